"""`Grasp`: grip an object and lift it off the table.

What is achieved is not a place: it is (height, distance, held), where the height is the object's above where it lay,
the distance is the tool's from the object, and held is 1 while both fingers press on it. So "lifted while held" is a
goal that hindsight replay can take from any state, and one formula rewards reaching, gripping and lifting.
"""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from pydantic import Field
from pydantic.dataclasses import dataclass

from simgen.catalog import build_model
from simgen.envs.goal_env import GoalEnv
from simgen.envs.settings import GoalSettings
from simgen.envs.tabletop import marker, plain, tabletop
from simgen.errors import ConfigError
from simgen.geometry import quat_about
from simgen.scene import STRICT, ObjectSpec, Plain, SceneSpec

Array = NDArray[np.float64]
LOW_M, HIGH_M = (0.42, -0.16), (0.62, 0.16)
"""Corners of the part of the table that objects lie in."""
LIFTS_M = (0.08, 0.2)
"""How high an object is to be lifted: from, to."""
MOST_TURN_RAD = np.pi / 6
"""Of the object from where its sides are parallel to the fingers, which the control "ee_delta" does not turn."""
NEAR_M = 0.04
"""How far the tool may be from the middle of what it holds."""
_HELD_M = 0.1
"""What holding an object is worth, in metres of the dense reward."""
_MARK_M = (0.5, 0.3)
"""Where the marker stands, beside the objects, at the height to lift to."""
_CLEARANCE_M = 0.004
"""What an open hand needs beyond an object."""


def _cube() -> Plain:
    return {"kind": "box", "size_m": (0.04, 0.04, 0.04), "texture_px": 64}


@dataclass(frozen=True, config=STRICT)
class GraspSettings(GoalSettings):
    """Of `Grasp`.

    Attributes:
        shape: the object, a model of the catalog: {"kind": "box", "sphere", "cylinder", "lump", ..., and its fields}.
    """

    shape: Plain = Field(default_factory=_cube)


class Grasp(GoalEnv):
    """Grip the red object and lift it as high as the green ball stands.

    "achieved_goal" and "desired_goal" are (height_m, distance_m, held).
    """

    settings_type = GraspSettings
    settings: GraspSettings
    uses_gripper = True
    near_m = 0.001

    def scene(self) -> SceneSpec:
        vertices = build_model(self.settings.shape).mesh(Path()).vertices_m
        opening, narrow = 2 * self.robot().opening_m, float(np.ptp(vertices[:, :2], 0).min())
        if narrow + _CLEARANCE_M > opening:
            raise ConfigError(f"shape: expected one that fits between the fingers ({opening:g} m), got {narrow:g} m")
        self._half_m = -float(vertices[:, 2].min())
        place = (0.5, 0.0, self._half_m + 0.02)
        thing = ObjectSpec(
            "object", self.settings.shape, plain((205, 45, 40)), place, mass_kg=0.1, friction=0.9, restitution=0.05
        )
        return tabletop(marker(), thing)

    def begin(self, rng: Generator) -> None:
        self.start_arm(self.arm.model.opening_m)
        (x, y), turn = rng.uniform(LOW_M, HIGH_M), rng.uniform(-MOST_TURN_RAD, MOST_TURN_RAD)
        self.sim.place("object", (x, y, self._half_m), quat_about((0, 0, 1), turn))
        self.set_goal((rng.uniform(*LIFTS_M), NEAR_M, 1.0))

    def achieved(self) -> Array:
        place = self.sim.pose("object")[0]
        held = self.sim.body("object").id in self.arm.held()
        return np.array([place[2] - self._half_m, np.linalg.norm(place - self.arm.tool()[0]), float(held)])

    def shown(self, goal: NDArray[np.float32]) -> Any:
        return (*_MARK_M, self._half_m + float(goal[0]))

    def missing(self, achieved: Array, desired: Array) -> Array:
        """Return how much of goals (..., 3) is missing, (...) metres: in height, in nearness, for want of a grip."""
        short = np.maximum((desired - achieved) * (1.0, -1.0, _HELD_M), 0.0)
        return np.asarray(short.sum(-1))

    def details(self) -> dict[str, float]:
        height, _, held = self._achieved.tolist()
        return super().details() | {"height_m": height, "held": held}

    def state_limits(self) -> list[tuple[Array, Array]]:
        place, turn, speed, spin = (np.full(n, high) for n, high in ((3, 2.0), (4, 1.0), (3, 10.0), (3, 100.0)))
        return [(-part, part) for part in (place, turn, speed, spin)]

    def state_parts(self) -> list[Array]:
        """Return the object's place, quaternion (xyzw), velocity and spin."""
        return [*self.sim.pose("object"), *self.sim.velocity("object")]
