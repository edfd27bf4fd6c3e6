"""`PoseEstimation`: say from pictures where a thing lies, and how it is turned. An action is an estimate."""

from collections.abc import Mapping
from typing import Annotated, Literal

import numpy as np
from gymnasium import spaces
from numpy.random import Generator
from numpy.typing import NDArray
from pydantic import Field
from pydantic.dataclasses import dataclass

from simgen.envs.base import Limits, SimEnv
from simgen.envs.cameras import View
from simgen.envs.rotations import Symmetries, rotation_of_6d, rotation_of_yaw
from simgen.envs.tabletop import plain, tabletop
from simgen.envs.targets import HIDDEN_M, TargetSettings, radius_m, target_body, target_of
from simgen.geometry import quat_about, quat_from_rotation, rotation_from_quat
from simgen.scene import STRICT, ObjectSpec, Plain, Positive, Rgb, SceneSpec

Array = NDArray[np.float64]
MIDDLE_M, HALF_M = (0.42, 0.0), 0.15
"""Middle and half an edge of the square of the table that things lie in."""
CAMERAS = {
    "front": View((0.95, 0.0, 0.45), (0.42, 0.0, 0.02), 0.65),
    "side": View((0.45, -0.6, 0.4), (0.42, 0.0, 0.02), 0.65),
    "top": View((0.62, 0.0, 0.75), (0.42, 0.0, 0.0), 0.55),
}
NUMBERS = {"none": 0, "yaw": 2, "6d": 6}
"""How many numbers of an estimate say how the thing is turned."""
_TRIES = 40


@dataclass(frozen=True, config=STRICT)
class PoseSettings(TargetSettings):
    """Of `PoseEstimation`.

    Attributes:
        orientation: "none": only the place is asked for; "yaw": the thing stands upright and its turn about the
            vertical is asked for, as a direction (2 numbers); "6d": it is turned in any way and touches the table, and
            its rotation is asked for, as its matrix's first two columns (6 numbers).
        distractors: the most other things on the table.
        scenes: how many arrangements an episode shows, one a step.
        scale_m, scale_rad: errors at which the reward of a place, and of an orientation, is 1/e.
    """

    orientation: Literal["none", "yaw", "6d"] = "yaw"
    distractors: Annotated[int, Field(ge=0, le=12)] = 4
    scenes: Annotated[int, Field(ge=1, le=1000)] = 1
    scale_m: Positive = 0.05
    scale_rad: Positive = 0.5


class PoseEstimation(SimEnv):
    """Estimate the pose of the target.

    An action is the place of the target's centre, from -1 to 1 across the box in which it can be (`low_m`, `high_m`),
    and the numbers of its orientation. The reward is exp(-error / scale), the mean of it over place and orientation.
    """

    settings_type = PoseSettings
    settings: PoseSettings
    memory = (*SimEnv.memory, "_place", "_turn", "_error_m", "_error_rad")

    def cameras(self) -> Mapping[str, View]:
        return CAMERAS

    def scene(self) -> SceneSpec:
        self._target = target_of(self.settings)
        others = [_distractor(number) for number in range(self.settings.distractors)]
        return tabletop(target_body(self._target, (*MIDDLE_M, 0.05)), *others)

    def prepare(self) -> None:
        """Work out the box that the target's centre lies in, and how far every body reaches to the side."""
        self._symmetries = Symmetries(self._target.symmetry)
        body = self.sim.body("target")
        self._corners_m = body.mesh.vertices_m - np.array(body.center_m)
        radius = float(np.linalg.norm(self._corners_m, axis=1).max())
        self.low_m = np.array([MIDDLE_M[0] - HALF_M, MIDDLE_M[1] - HALF_M, 0.0])
        self.high_m = np.array([MIDDLE_M[0] + HALF_M, MIDDLE_M[1] + HALF_M, 2 * radius])
        self._radii_m = [radius] + [radius_m(other.spec.model) for other in self.sim.world.bodies[2:]]

    def actions(self) -> spaces.Box:
        return spaces.Box(-1.0, 1.0, (3 + NUMBERS[self.settings.orientation],), np.float32)

    def begin(self, rng: Generator) -> None:
        self._arrange(rng)
        self._measure(np.zeros(self.actions().shape))

    def _arrange(self, rng: Generator) -> None:
        self._turn = self._drawn_turn(rng)
        place = rng.uniform(self.low_m, self.high_m)
        self._place = np.array([place[0], place[1], -(self._corners_m @ self._turn[2]).min()])
        self.sim.place("target", self._place, quat_from_rotation(self._turn))
        shown = int(rng.integers(self.settings.distractors + 1))
        taken = [(self._place[:2], self._radii_m[0])]
        for number, radius in enumerate(self._radii_m[1:]):
            self._place_distractor(number, radius, taken if number < shown else None, rng)

    def _drawn_turn(self, rng: Generator) -> Array:
        if self.settings.orientation == "6d":
            return rotation_from_quat(rng.standard_normal(4))
        return rotation_from_quat(quat_about((0, 0, 1), rng.uniform(-np.pi, np.pi)))

    def _place_distractor(
        self, number: int, radius_m: float, taken: list[tuple[Array, float]] | None, rng: Generator
    ) -> None:
        """Put a distractor where nothing is; out of sight where there is no room, or nothing is `taken`."""
        name = f"distractor_{number + 1}"
        for place in rng.uniform(self.low_m[:2] - 0.04, self.high_m[:2] + 0.04, (_TRIES, 2)):
            if taken is not None and all(np.hypot(*(place - at)) > radius_m + other for at, other in taken):
                taken.append((place, radius_m))
                height = -self.sim.body(name).mesh.bounds_m[0][2]
                self.sim.place(name, (*place, height), quat_about((0, 0, 1), rng.uniform(-np.pi, np.pi)))
                return
        self.sim.place(name, HIDDEN_M)

    def act(self, action: Array) -> None:
        self._measure(action)
        if self.steps < self.settings.scenes:
            self._seen.clear()  # what is late would show what is no longer asked for
            self._arrange(self.episode_stream(f"task.{self.steps}"))

    def _measure(self, action: Array) -> None:
        self._error_m = float(np.linalg.norm(self.place_m(action) - self._place))
        self._error_rad = self._symmetries.angle_rad(self.turn(action), self._turn)

    def place_m(self, action: Array) -> Array:
        """Return the place (3,) in metres that an action says."""
        return np.asarray(self.low_m + (np.asarray(action, float)[:3] + 1) / 2 * (self.high_m - self.low_m))

    def turn(self, action: Array) -> Array:
        """Return the rotation (3, 3) that an action says; the upright one where it says none."""
        numbers = np.asarray(action, float)[3:]
        return rotation_of_6d(numbers) if len(numbers) == 6 else rotation_of_yaw(numbers if len(numbers) else (1, 0))

    def truth(self) -> NDArray[np.float32]:
        """Return the action that says the true pose."""
        place = 2 * (self._place - self.low_m) / (self.high_m - self.low_m) - 1
        turn = {"none": (), "yaw": self._turn[:2, 0], "6d": self._turn[:, :2].T.ravel()}[self.settings.orientation]
        return np.concatenate([place, turn]).astype(np.float32)

    def judge(self) -> tuple[float, bool]:
        reward = np.exp(-self._error_m / self.settings.scale_m)
        if self.settings.orientation != "none":
            reward = (reward + np.exp(-self._error_rad / self.settings.scale_rad)) / 2
        return float(reward), self.steps >= self.settings.scenes

    def details(self) -> dict[str, float]:
        """Return the errors of the last estimate; at a reset those of an estimate of zeros."""
        errors = {"error_m": self._error_m}
        return errors if self.settings.orientation == "none" else errors | {"error_rad": self._error_rad}

    def vectors(self) -> Mapping[str, Limits]:
        """Return the limits of "state": the action that says the true pose."""
        high = np.ones(3 + NUMBERS[self.settings.orientation], np.float32)
        return {"state": (-high, high)}

    def vector(self, name: str) -> NDArray[np.float32]:
        return self.truth() if name == "state" else super().vector(name)


def _distractor(number: int) -> ObjectSpec:
    model, color = _DISTRACTORS[number % len(_DISTRACTORS)]
    return ObjectSpec(f"distractor_{number + 1}", model, plain(color), (0.42, 0.4 + 0.1 * number, 0.05))


_DISTRACTORS: list[tuple[Plain, Rgb]] = [
    ({"kind": "box", "size_m": (0.05, 0.05, 0.05), "texture_px": 64}, (60, 110, 190)),
    ({"kind": "cylinder", "radius_m": 0.022, "height_m": 0.07}, (70, 150, 90)),
    ({"kind": "box", "size_m": (0.08, 0.03, 0.02), "texture_px": 64}, (190, 180, 70)),
    ({"kind": "sphere", "radius_m": 0.025}, (150, 80, 160)),
    ({"kind": "lump", "size_m": (0.06, 0.04, 0.03), "roundness": 1.6}, (190, 70, 80)),
    ({"kind": "box", "size_m": (0.025, 0.06, 0.06), "texture_px": 64}, (90, 170, 180)),
]
