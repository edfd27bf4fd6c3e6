"""`Simulation`: a world that is built once and brought back to its first state for every episode.

PyBullet restores a saved state exactly, contacts included, if overlapping pairs are kept in a fixed order and nothing
was added since; it does not restore masses, friction, gravity or colours, so those are applied anew for every episode.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from simgen.bullet import p
from simgen.envs.robots import Arm, RobotModel
from simgen.errors import EnvError
from simgen.scene import SceneSpec
from simgen.world import Body, Physics, World

STEP_S = 1 / 200
_WARM_UP = 10
"""Steps before the first state is kept: from a state that was never simulated, episodes are not repeated exactly."""
_ITERATIONS = 20
"""Of PyBullet's solver: with 50, its default, a step of an arm takes 1.4 times as long."""


@dataclass(frozen=True)
class Snapshot:
    """A state of a simulation; `number` is PyBullet's."""

    client: int
    number: int


class Simulation:
    """A world, perhaps with an arm in it.

    Attributes:
        world: the bodies of the scene.
        arm: or None.
    """

    def __init__(
        self, scene: SceneSpec, robot: RobotModel | None = None, ghosts: Iterable[str] = (), visuals: bool = True
    ) -> None:
        """Build the world and keep its first state.

        Args:
            scene: the bodies. Those that move fall and come to rest; they are placed at each reset.
            robot: to load, or None.
            ghosts: names of bodies that are seen but touch nothing.
            visuals: whether PyBullet's own renderers are to draw it, in few triangles.
        """
        self.world = World(scene, Path(), Physics(step_s=STEP_S), "coarse" if visuals else False)
        try:
            p.setPhysicsEngineParameter(
                numSolverIterations=_ITERATIONS,
                enableConeFriction=0,  # with a pyramid, fingers hold what they press on more steadily
                physicsClientId=self.client,
            )
            self._bodies = {body.spec.name: order for order, body in enumerate(self.world.bodies)}
            for name in ghosts:
                p.setCollisionFilterGroupMask(self.body(name).id, -1, 0, 0, physicsClientId=self.client)
            self._keep_awake()
            self.arm = None if robot is None else Arm(self.world, robot)
            self.world.settle()
            self.advance(_WARM_UP)
            self._first = self.save()
        except BaseException:
            self.close()
            raise

    def _keep_awake(self) -> None:
        """Let no body fall asleep: one that sleeps stays in the air where it is placed."""
        for body in self.world.bodies:
            if body.spec.mass_kg:
                awake = p.ACTIVATION_STATE_DISABLE_SLEEPING
                p.changeDynamics(body.id, -1, activationState=awake, physicsClientId=self.client)

    @property
    def client(self) -> int:
        """PyBullet's client, -1 when it is closed."""
        return int(self.world.client)

    def body(self, name: str) -> Body:
        """Return a body of the scene."""
        return self.world.bodies[self._bodies[name]]

    def place(self, name: str, position_m: Iterable[float], quat_xyzw: Iterable[float] = (0, 0, 0, 1)) -> None:
        """Put a body somewhere, at rest."""
        body = self.body(name).id
        place, turn = [*map(float, position_m)], [*map(float, quat_xyzw)]
        p.resetBasePositionAndOrientation(body, place, turn, physicsClientId=self.client)
        p.resetBaseVelocity(body, [0, 0, 0], [0, 0, 0], physicsClientId=self.client)

    def show(self, name: str, shown: bool) -> None:
        """Let PyBullet's own renderers draw a body, or leave it out."""
        self.world.show(self._bodies[name], shown)

    def pose(self, name: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return a body's position (3,) in metres and its xyzw quaternion (4,)."""
        place, turn = p.getBasePositionAndOrientation(self.body(name).id, physicsClientId=self.client)
        return np.array(place), np.array(turn)

    def velocity(self, name: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return a body's velocities, (3,) m/s and (3,) rad/s."""
        linear, angular = p.getBaseVelocity(self.body(name).id, physicsClientId=self.client)
        return np.array(linear), np.array(angular)

    def speed_m_s(self, name: str) -> float:
        """Return how fast a body moves along the fastest axis."""
        linear, _ = p.getBaseVelocity(self.body(name).id, physicsClientId=self.client)
        return float(max(map(abs, linear)))

    def advance(self, steps: int) -> None:
        """Simulate so many steps of `STEP_S`."""
        for _ in range(steps):
            p.stepSimulation(physicsClientId=self.client)

    def save(self) -> Snapshot:
        """Return the state now; `forget` it when it is no longer needed."""
        return Snapshot(self.client, int(p.saveState(physicsClientId=self.client)))

    def restore(self, snapshot: Snapshot | None = None) -> None:
        """Go back to a state, or to the first one. Raises `EnvError` for another simulation's, or a forgotten one."""
        found = snapshot or self._first
        if found.client != self.client:
            raise EnvError("restore_state: expected a state of this environment, got one of another")
        try:
            p.restoreState(stateId=found.number, physicsClientId=self.client)
        except p.error:
            raise EnvError("restore_state: expected a state that is kept, got one that was forgotten") from None

    def forget(self, snapshot: Snapshot) -> None:
        """Free the memory of a state."""
        if snapshot.client == self.client:
            p.removeState(snapshot.number, physicsClientId=self.client)

    def close(self) -> None:
        """Disconnect from PyBullet; may be called again."""
        self.world.close()
