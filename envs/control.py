"""Control modes: what an action means. A mode is a frozen dataclass; `CONTROLS` names them.

A mode turns an action in [-1, 1] into a new reference: where the joints (and the tool) should be. That is a pure
function of the old one and the action, never of measured angles, so errors of the motors do not add up.
"""

from dataclasses import dataclass, replace
from typing import ClassVar, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from simgen.envs.robots import Kinematics
from simgen.errors import ConfigError, did_you_mean

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Reference:
    """Where an arm should be.

    Attributes:
        q_rad: (n,) joint angles.
        base_T_tool: (4, 4), what the tool's controller holds on to.
    """

    q_rad: Array
    base_T_tool: Array


@dataclass(frozen=True, eq=False)
class Workspace:
    """What an arm may workspace.

    Attributes:
        chain: its kinematics.
        rest_rad: (n,) angles of rest.
        low_m, high_m: (3,) corners of the box that the tool's reference is kept in.
        step_s: time of one step of control.
    """

    chain: Kinematics
    rest_rad: Array
    low_m: Array
    high_m: Array
    step_s: float


class Control(Protocol):
    """A control mode."""

    kind: ClassVar[Literal["position", "velocity"]]
    """Which of the motors' controllers it uses."""
    needs_joints: ClassVar[bool]
    """Whether an agent needs to know the joints' angles."""

    def size(self, workspace: Workspace) -> int:
        """Return the number of an action's entries."""
        ...

    def moved(self, reference: Reference, action: Array, workspace: Workspace) -> Reference:
        """Return the reference after an action, (size,) in [-1, 1]."""
        ...


@dataclass(frozen=True)
class EndEffectorDelta:
    """The action shifts the tool along the base's x, y, z; the hand keeps pointing down.

    Attributes:
        step_m: shift of an action of 1.
    """

    kind: ClassVar[Literal["position", "velocity"]] = "position"
    needs_joints: ClassVar[bool] = False
    step_m: float = 0.05

    def size(self, workspace: Workspace) -> int:
        return 3

    def moved(self, reference: Reference, action: Array, workspace: Workspace) -> Reference:
        pose = reference.base_T_tool.copy()
        pose[:3, 3] = np.minimum(np.maximum(pose[:3, 3] + self.step_m * action, workspace.low_m), workspace.high_m)
        return Reference(workspace.chain.solve(reference.q_rad, pose, workspace.rest_rad), pose)


class _OfJoints:
    """What control modes have whose actions are a number a joint."""

    needs_joints: ClassVar[bool] = True

    def size(self, workspace: Workspace) -> int:
        return len(workspace.rest_rad)


@dataclass(frozen=True)
class JointDelta(_OfJoints):
    """The action turns the joints.

    Attributes:
        step_rad: turn of an action of 1.
    """

    kind: ClassVar[Literal["position", "velocity"]] = "position"
    step_rad: float = 0.1

    def moved(self, reference: Reference, action: Array, workspace: Workspace) -> Reference:
        return _turned(reference, self.step_rad * action, workspace)


@dataclass(frozen=True)
class JointVelocity(_OfJoints):
    """The action is the joints' speeds.

    Attributes:
        speed_rad_s: speed of an action of 1.
    """

    kind: ClassVar[Literal["position", "velocity"]] = "velocity"
    speed_rad_s: float = 1.5

    def moved(self, reference: Reference, action: Array, workspace: Workspace) -> Reference:
        return _turned(reference, self.speed_rad_s * workspace.step_s * action, workspace)


def _turned(reference: Reference, turn_rad: Array, workspace: Workspace) -> Reference:
    chain = workspace.chain
    return replace(reference, q_rad=np.minimum(np.maximum(reference.q_rad + turn_rad, chain.low_rad), chain.high_rad))


CONTROLS: dict[str, type[Control]] = {
    "ee_delta": EndEffectorDelta,
    "joint_delta": JointDelta,
    "joint_velocity": JointVelocity,
}


def control_of(name: str) -> Control:
    """Return the control mode of a name. Raises `ConfigError`."""
    if name not in CONTROLS:
        raise ConfigError(f'control: unknown mode "{name}"{did_you_mean(name, CONTROLS)}')
    return CONTROLS[name]()
