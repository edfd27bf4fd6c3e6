"""Forward and inverse kinematics of a chain of joints, read from a URDF.

PyBullet's own inverse kinematics remembers what it was asked before, so a result would depend on earlier episodes; this
is a pure function of the angles.
"""

from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simgen.errors import AssetError

Array = NDArray[np.float64]
_DAMPED = 0.05**2 * np.eye(6)
"""Damping of the least squares; larger is slower and calmer near singular poses."""
REST = 0.05
"""Share of the way to the angles of rest that is taken in a step, where it does not move the tool."""


@dataclass(frozen=True, eq=False)
class Kinematics:
    """A chain of n turning joints.

    Attributes:
        names: of the joints, from the base on.
        before: (n, 4, 4) from the frame after the previous joint to the joint's.
        axes: (n, 3) what the joints turn about, each in its joint's frame.
        sine, cosine: (n, 3, 3) what sin(q) and 1 - cos(q) add to the rotation of `before` (Rodrigues).
        last_T_tool: (4, 4) from the frame after the last joint to the tool's.
        low_rad, high_rad: (n,) limits.
        effort: (n,) N m.
    """

    names: tuple[str, ...]
    before: Array
    axes: Array
    sine: Array
    cosine: Array
    last_T_tool: Array
    low_rad: Array
    high_rad: Array
    effort: Array

    def frames(self, q_rad: Array) -> Array:
        """Return base_T (n + 1, 4, 4): the frame after each joint, and the tool's."""
        sin, cos = np.sin(q_rad)[:, None, None], np.cos(q_rad)[:, None, None]
        local = self.before.copy()
        local[:, :3, :3] += sin * self.sine + (1 - cos) * self.cosine
        found = np.empty((len(local) + 1, 4, 4))
        pose = local[0]
        found[0] = pose
        for number in range(1, len(local)):
            pose = pose @ local[number]
            found[number] = pose
        found[-1] = pose @ self.last_T_tool
        return found

    def tool(self, q_rad: ArrayLike) -> Array:
        """Return base_T_tool (4, 4)."""
        return np.asarray(self.frames(np.asarray(q_rad, float))[-1])

    def jacobian(self, frames: Array) -> Array:
        """Return (6, n): the tool's velocity and angular velocity in the base's axes per joint speed."""
        axes = (frames[:-1, :3, :3] @ self.axes[:, :, None])[:, :, 0]
        arms = frames[-1, :3, 3] - frames[:-1, :3, 3]
        (x, y, z), (u, v, w) = axes.T, arms.T
        return np.array([y * w - z * v, z * u - x * w, x * v - y * u, x, y, z])

    def solve(self, q_rad: Array, target: Array, rest_rad: Array, steps: int = 1) -> Array:
        """Return angles (n,) that bring the tool towards a pose (4, 4) of the base, within the limits.

        Damped least squares (Wampler 1986); what is left free goes towards the angles of rest.
        """
        q = q_rad
        for _ in range(steps):
            frames = self.frames(q)
            jacobian, home = self.jacobian(frames), REST * (rest_rad - q)
            missing = _error(frames[-1], target) - jacobian @ home
            turn = home + jacobian.T @ np.linalg.solve(jacobian @ jacobian.T + _DAMPED, missing)
            q = np.minimum(np.maximum(q + turn, self.low_rad), self.high_rad)
        return q


def _error(pose: Array, target: Array) -> Array:
    """Return (6,): the shift, and the small turn, from a pose to a target."""
    (x, y, z), turn = (target[:3, 3] - pose[:3, 3]).tolist(), (target[:3, :3] @ pose[:3, :3].T).tolist()
    twist = (turn[2][1] - turn[1][2], turn[0][2] - turn[2][0], turn[1][0] - turn[0][1])
    return np.array([x, y, z, twist[0] / 2, twist[1] / 2, twist[2] / 2])


def read_kinematics(urdf: Path, tool: str) -> Kinematics:
    """Return the chain from a URDF's base to a link. Raises `AssetError` where there is none."""
    robot = ElementTree.parse(urdf).getroot()
    by_child = {joint.find("child").attrib["link"]: joint for joint in robot.iter("joint")}  # type: ignore[union-attr]
    chain: list[ElementTree.Element] = []
    link = tool
    while link in by_child:
        chain.insert(0, by_child[link])
        link = by_child[link].find("parent").attrib["link"]  # type: ignore[union-attr]
    turning = [joint for joint in chain if joint.attrib["type"] in ("revolute", "continuous")]
    if not turning:
        raise AssetError(f'robot "{urdf.stem}": expected turning joints up to the link "{tool}", got none')
    return _gathered(chain, turning)


def _gathered(chain: list[ElementTree.Element], turning: list[ElementTree.Element]) -> Kinematics:
    before, pose = [], np.eye(4)
    for joint in chain:
        pose = pose @ _origin(joint)
        if joint in turning:
            before.append(pose)
            pose = np.eye(4)
    axes = np.array([_numbers(joint.find("axis"), "xyz", (1.0, 0.0, 0.0)) for joint in turning])
    zero = np.zeros(len(axes))
    x, y, z = axes.T
    cross = np.stack([zero, -z, y, z, zero, -x, -y, x, zero], 1).reshape(-1, 3, 3)
    limits = [joint.find("limit") for joint in turning]
    low, high, effort = (
        np.array([float(limit.attrib[name]) for limit in limits if limit is not None])
        for name in ("lower", "upper", "effort")
    )
    names, frames = tuple(joint.attrib["name"] for joint in turning), np.array(before)
    sine = frames[:, :3, :3] @ cross
    return Kinematics(names, frames, axes, sine, sine @ cross, pose, low, high, effort)


def _origin(joint: ElementTree.Element) -> Array:
    found = joint.find("origin")
    roll, pitch, yaw = _numbers(found, "rpy", (0.0, 0.0, 0.0))
    matrix = np.eye(4)
    matrix[:3, :3] = _about(2, yaw) @ _about(1, pitch) @ _about(0, roll)
    matrix[:3, 3] = _numbers(found, "xyz", (0.0, 0.0, 0.0))
    return matrix


def _about(axis: int, angle_rad: float) -> Array:
    a, b = [(1, 2), (2, 0), (0, 1)][axis]
    matrix = np.eye(3)
    matrix[a, a] = matrix[b, b] = np.cos(angle_rad)
    matrix[b, a] = np.sin(angle_rad)
    matrix[a, b] = -matrix[b, a]
    return matrix


def _numbers(
    element: ElementTree.Element | None, name: str, default: tuple[float, float, float]
) -> tuple[float, float, float]:
    if element is None or name not in element.attrib:
        return default
    x, y, z = (float(word) for word in element.attrib[name].split())
    return x, y, z
