"""`Arm`: a robot in a world: its motors, its joints, its tool."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from simgen.bullet import p
from simgen.envs.robots.kinematics import Kinematics, read_kinematics
from simgen.envs.robots.model import RobotModel
from simgen.geometry import pose_matrix
from simgen.world import World

Array = NDArray[np.float64]
_FINGER_FORCE_N = 10.0
_FINGER_M_S = 0.15
"""Of each finger. With 40 N, or closing as fast as it can, the solver lets things of 0.1 kg sink in by a centimetre."""
_GEAR_N = 200.0


@dataclass(frozen=True, eq=False)
class Command:
    """What the motors are told for one step of control.

    Attributes:
        kind: "position" or "velocity".
        joints: (n,) rad or rad/s.
        finger_m: how far each finger is to be from the middle.
    """

    kind: Literal["position", "velocity"]
    joints: Array
    finger_m: float = 0.0


class Arm:
    """A robot that was loaded into a world, its base at the origin.

    Attributes:
        model: what it is.
        chain: its kinematics, from the base to the tool.
        id: PyBullet's.
    """

    def __init__(self, world: World, model: RobotModel) -> None:
        urdf = model.urdf()
        self.model, self._world = model, world
        self.chain: Kinematics = read_kinematics(urdf, model.tool)
        self.id = world.load_robot(urdf).id
        self._client = world.client
        count = p.getNumJoints(self.id, physicsClientId=self._client)
        infos = [p.getJointInfo(self.id, joint, physicsClientId=self._client) for joint in range(count)]
        numbers = {info[1].decode(): number for number, info in enumerate(infos)}
        self.tool_link = {info[12].decode(): number for number, info in enumerate(infos)}[model.tool]
        self.joints = [numbers[name] for name in self.chain.names]
        self.fingers = [numbers[name] for name in model.fingers]
        links = [p.getDynamicsInfo(self.id, link, physicsClientId=self._client) for link in range(-1, count)]
        self._masses = {link - 1: (float(info[0]), info[2]) for link, info in enumerate(links) if info[0] > 0}
        self._links = list(range(-1, count))
        self._gains: tuple[float, float, float] = (model.position_gain, 1.0, 1.0)
        self._couple_fingers()
        self.rest(np.array(model.home_rad))

    def _couple_fingers(self) -> None:
        """Let the fingers move as one, as those of a parallel gripper do."""
        first, second = self.fingers
        nowhere = [[0, 1, 0], [0, 0, 0], [0, 0, 0]]
        gear = p.createConstraint(self.id, first, self.id, second, p.JOINT_GEAR, *nowhere, physicsClientId=self._client)
        p.changeConstraint(gear, gearRatio=-1, erp=0.3, maxForce=_GEAR_N, physicsClientId=self._client)

    def rest(self, q_rad: Array, finger_m: float = 0.0) -> None:
        """Put the joints somewhere, at rest, and hold them there."""
        places = [*q_rad.tolist(), finger_m, finger_m]
        joints, still = [*self.joints, *self.fingers], [[0.0]] * len(places)
        p.resetJointStatesMultiDof(
            self.id, joints, [[place] for place in places], targetVelocities=still, physicsClientId=self._client
        )
        self.command(Command("position", q_rad, finger_m))

    def command(self, command: Command) -> None:
        """Tell the motors what to do until the next command."""
        position_gain, velocity_gain, force = self._gains
        count = len(self.joints)
        forces = (self.chain.effort * force).tolist()
        if command.kind == "position":
            p.setJointMotorControlArray(
                self.id,
                self.joints,
                p.POSITION_CONTROL,
                targetPositions=command.joints.tolist(),
                positionGains=[position_gain] * count,
                velocityGains=[velocity_gain] * count,
                forces=forces,
                physicsClientId=self._client,
            )
        else:
            p.setJointMotorControlArray(
                self.id,
                self.joints,
                p.VELOCITY_CONTROL,
                targetVelocities=command.joints.tolist(),
                velocityGains=[velocity_gain] * count,
                forces=forces,
                physicsClientId=self._client,
            )
        for finger in self.fingers:
            p.setJointMotorControl2(
                self.id,
                finger,
                p.POSITION_CONTROL,
                targetPosition=command.finger_m,
                force=_FINGER_FORCE_N,
                maxVelocity=_FINGER_M_S,
                physicsClientId=self._client,
            )

    def read(self) -> tuple[Array, Array]:
        """Return the joints' true angles and speeds, (n,) rad and (n,) rad/s."""
        states = p.getJointStates(self.id, self.joints, physicsClientId=self._client)
        return np.array([state[0] for state in states]), np.array([state[1] for state in states])

    def finger_m(self) -> float:
        """Return how far the fingers are from the middle, on average."""
        states = p.getJointStates(self.id, self.fingers, physicsClientId=self._client)
        return float(states[0][0] + states[1][0]) / 2

    def held(self) -> set[int]:
        """Return PyBullet's ids of the bodies that both fingers press on."""
        first, second = (
            {contact[2] for contact in self._contacts(linkIndexA=finger) if contact[9] > 0} for finger in self.fingers
        )
        return (first & second) - {self.id}

    def pushed_n(self) -> float:
        """Return how hard others press on the arm, N, summed over all contacts."""
        return float(sum(contact[9] for contact in self._contacts()))

    def _contacts(self, **link: int) -> tuple[tuple[Any, ...], ...]:
        return p.getContactPoints(bodyA=self.id, **link, physicsClientId=self._client) or ()

    def tool(self) -> tuple[Array, Array]:
        """Return the tool's true position and velocity, (3,) m and (3,) m/s."""
        state = p.getLinkState(self.id, self.tool_link, 1, 1, physicsClientId=self._client)
        return np.array(state[4]), np.array(state[6])

    def tool_pose(self) -> Array:
        """Return world_T_tool (4, 4) as it truly is."""
        state = p.getLinkState(self.id, self.tool_link, 0, 1, physicsClientId=self._client)
        return pose_matrix(state[4], state[5])

    def apply(self, values: Mapping[str, float]) -> None:
        """Give the links and motors what a domain says; the motors from the next command on."""
        scale, damping, friction = (values[f"robot.{name}"] for name in ("mass_scale", "damping", "friction"))
        for link in self._links:  # one call a link: each is a command to PyBullet
            given: dict[str, Any] = {"lateralFriction": friction}
            if link in self._masses:
                mass, inertia = self._masses[link]
                given |= {"mass": mass * scale, "localInertiaDiagonal": [part * scale for part in inertia]}
            if link in self.joints:
                given["jointDamping"] = damping
            p.changeDynamics(self.id, link, **given, physicsClientId=self._client)
        gains = (values[f"robot.{name}"] for name in ("position_gain", "velocity_gain", "force_scale"))
        self._gains = next(gains), next(gains), next(gains)
