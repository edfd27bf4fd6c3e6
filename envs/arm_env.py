"""`ArmEnv`: an environment with an arm: control, and what goes wrong on the way from an action to the joints.

On that way an action is late, noisy, lost in part in the gears' backlash, and arrives at joints whose encoders are off.
"""

from collections.abc import Iterable, Mapping
from typing import ClassVar

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from simgen.envs.actuated import ActuatedEnv
from simgen.envs.base import Limits
from simgen.envs.control import Reference, Workspace, control_of
from simgen.envs.domain import Parameter
from simgen.envs.robots import Arm, Command, RobotModel, robot_of
from simgen.envs.settings import ArmSettings
from simgen.envs.simulation import STEP_S

Array = NDArray[np.float64]
SUBSTEPS = 8
"""Steps of the simulation in one of control: 25 Hz."""


class ArmEnv(ActuatedEnv):
    """An environment in which an action moves an arm, and with `uses_gripper` its last number the fingers.

    Attributes:
        uses_gripper: whether the agent moves the fingers (-1 closed, 1 open); else they stay closed.
        start_m: where the tool is when an episode begins.
        low_m, high_m: corners of the box that the tool is kept in by the control "ee_delta".
    """

    settings_type = ArmSettings
    settings: ArmSettings
    memory = (*ActuatedEnv.memory, "_reference", "_gap", "_sent", "_finger")
    uses_gripper: ClassVar[bool] = False
    start_m: ClassVar[tuple[float, float, float]] = (0.5, 0.0, 0.25)
    low_m: ClassVar[tuple[float, float, float]] = (0.3, -0.3, 0.02)
    high_m: ClassVar[tuple[float, float, float]] = (0.7, 0.3, 0.5)

    def robot(self) -> RobotModel:
        return robot_of(self.settings.robot)

    @property
    def arm(self) -> Arm:
        """The arm."""
        assert self.sim.arm is not None
        return self.sim.arm

    def prepare(self) -> None:
        """Find the angles at which the tool is at the start, pointing down."""
        self._control = control_of(self.settings.control)
        chain, rest = self.arm.chain, np.array(self.arm.model.home_rad)
        pose = np.eye(4)
        side = 1.0 if chain.tool(rest)[0, 0] > 0 else -1.0
        pose[:3, :3] = np.diag([side, -side, -1.0])
        pose[:3, 3] = self.start_m
        start = chain.solve(rest, pose, rest, steps=200)
        low, high = np.array(self.low_m), np.array(self.high_m)
        self._workspace = Workspace(chain, start, low, high, SUBSTEPS * STEP_S)
        self._start = Reference(start, pose)
        self._offset_names = [f"joint_{number}.offset_rad" for number in range(1, len(start) + 1)]
        self._reset_control()

    def actions(self) -> spaces.Box:
        size = self._control.size(self._workspace) + self.uses_gripper
        return spaces.Box(-1.0, 1.0, (size,), np.float32)

    def domain_parameters(self) -> Iterable[Parameter]:
        yield from super().domain_parameters()
        yield Parameter("action.backlash_rad", 0.0, 0.0, 0.2)
        for name in self._offset_names:
            yield Parameter(name, 0.0, -0.2, 0.2)

    def _reset_control(self) -> None:
        self._reference = self._start
        self._sent = self._start.q_rad
        self._gap = np.zeros_like(self._sent)
        self._finger = 0.0

    def start_arm(self, finger_m: float = 0.0) -> None:
        """Put the arm at its start; call it from `begin`."""
        self.start_actuators()
        self._reset_control()
        self._finger = finger_m
        self.arm.rest(self._start.q_rad + self._offsets(), finger_m)

    def act(self, action: Array) -> None:
        self.arm.command(self._command(self.arrived(action)))
        self.sim.advance(SUBSTEPS)

    def still(self, action: Array) -> Array:
        """Return the action under which the arm stands still and the fingers stay as they are."""
        still = np.zeros_like(action)
        if self.uses_gripper:
            still[-1] = 2 * self._finger / self.arm.model.opening_m - 1
        return still

    def _command(self, action: Array) -> Command:
        if self.uses_gripper:
            self._finger = float(action[-1] + 1) / 2 * self.arm.model.opening_m
            action = action[:-1]
        return self.followed(self._control.moved(self._reference, action, self._workspace))

    def followed(self, reference: Reference) -> Command:
        """Return the command that follows a new reference, with the gears' backlash and the encoders' offsets."""
        turn = self._through_gears(reference.q_rad - self._reference.q_rad)
        self._reference = reference
        if self._control.kind == "velocity":
            return Command("velocity", turn / self._workspace.step_s, self._finger)
        self._sent = self._sent + turn
        return Command("position", self._sent + self._offsets(), self._finger)

    def _through_gears(self, turn_rad: Array) -> Array:
        """Return what of a turn is left behind the backlash: nothing, until the gap is crossed."""
        half = self.domain.values["action.backlash_rad"] / 2
        moved = self._gap + turn_rad
        self._gap = np.minimum(np.maximum(moved, -half), half)
        return moved - self._gap

    def _offsets(self) -> Array:
        values = self.domain.values
        return np.array([values[name] for name in self._offset_names])

    def vectors(self) -> Mapping[str, Limits]:
        """Return the limits of "state" (the truth) and "proprio" (what the encoders say)."""
        chain = self.arm.chain
        joints = (chain.low_rad - 0.5, chain.high_rad + 0.5)
        speeds, tool = np.full(len(chain.names), 20.0), np.array([2.0, 2.0, 2.0])
        finger = self.arm.model.opening_m + 0.05
        truth = [(-tool, tool), (-5 * tool, 5 * tool)]
        if self.uses_gripper:
            truth.append((np.array([-finger]), np.array([finger])))
        if self._control.needs_joints:
            truth += [joints, (-speeds, speeds)]
        own = [joints, (-speeds, speeds), (-tool, tool), (np.array([-finger]), np.array([finger]))]
        return {"state": _joined([*truth, *self.state_limits()]), "proprio": _joined(own)}

    def vector(self, name: str) -> NDArray[np.float32]:
        q, speed = self.arm.read()
        if name == "proprio":
            seen = q - self._offsets()
            parts = [seen, speed, self.arm.chain.tool(seen)[:3, 3], np.array([self.arm.finger_m()])]
        elif name == "state":
            parts = [*self.arm.tool()]
            parts += [np.array([self.arm.finger_m()])] if self.uses_gripper else []
            parts += [q, speed] if self._control.needs_joints else []
            parts += self.state_parts()
        else:
            return super().vector(name)
        return np.concatenate(parts).astype(np.float32)

    def state_limits(self) -> list[tuple[Array, Array]]:
        """Return the limits of what the task adds to the vector "state"."""
        return []

    def state_parts(self) -> list[Array]:
        """Return what the task adds to the vector "state", in the order of its limits."""
        return []


def _joined(limits: list[tuple[Array, Array]]) -> Limits:
    low, high = zip(*limits, strict=True)
    return np.concatenate(low).astype(np.float32), np.concatenate(high).astype(np.float32)
