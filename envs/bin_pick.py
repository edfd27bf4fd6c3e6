"""`BinPick`: one action is one grasp from above, as in Zeng et al. (2018) and Mahler et al. (2017).

The action names a place, a turn of the hand and perhaps a height; physics carries out the approach, the closing and the
lift. Then the episode is over, and the reward is 1 if an object was lifted out of the bin.
"""

from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from gymnasium import spaces
from numpy import random
from numpy.typing import ArrayLike, NDArray
from pydantic import Field
from pydantic.dataclasses import dataclass as config_dataclass

from simgen.envs.arm_env import SUBSTEPS, ArmEnv
from simgen.envs.bins import CENTER_M, WALL_M, bin_scene
from simgen.envs.cameras import CAMERAS, View
from simgen.envs.control import Reference
from simgen.envs.domain.visual import camera_of
from simgen.envs.piles import Piles, at_rest, put_away, roll_slowly
from simgen.envs.settings import ArmSettings, Names, tiny_from
from simgen.envs.top_grasps import GraspActions, TopGrasp
from simgen.errors import ConfigError
from simgen.geometry import pose_matrix
from simgen.scene import STRICT, CameraSpec, Plain, SceneSpec

Array = NDArray[np.float64]
FAILURES = ("none", "empty", "blocked", "slipped", "unreachable")
"""What `info["failure"]` counts: why nothing was lifted out."""
OUT_M = WALL_M + 0.05
"""An object whose middle is higher, and that both fingers hold, is lifted out."""
_ABOVE_M = 0.28
_MOST_N = 60.0
"""The hand goes no deeper when it is pressed on as hard."""
_SWING_STEPS, _CLOSE_STEPS, _HOLD_STEPS = 30, 12, 6
_STEP_M = 0.009
"""Of the tool on its straight way down and up, in a step of control, on average."""
_SETTLE_STEPS, _MOST_SETTLING, _SLOW_M_S = 2, 80, 0.01
_NEAR_M = 0.003


def _distractors() -> Plain:
    return {"kind": "distractors", "count": 10, "size_m": [0.055, 0.085], "fixed_probability": 0}


@config_dataclass(frozen=True, config=STRICT)
class BinPickSettings(ArmSettings):
    """Of `BinPick`.

    Attributes:
        control: the hand follows straight lines; there is nothing to choose.
        grasp: whether the action's first numbers are a place in the bin ("metric") or in the picture ("pixel").
        choose_height: whether the action's fourth number is the height.
        count: least and most objects in the bin.
        things: what the objects are: a section of the randomizer "distractors", "dice", "digit_tiles" or "objects".
        things_seed: of their shapes, which stay the same for all episodes; which of them lie in the bin does not.
        piles: how many different piles there are; each is seen as it is, and after half a turn.
    """

    obs: Names = "rgbd"
    cameras: Names | dict[str, Plain] = "bin"
    control: Literal["ee_delta"] = "ee_delta"
    grasp: Literal["metric", "pixel"] = "metric"
    choose_height: bool = False
    count: tuple[int, int] = (3, 6)
    things: Plain = Field(default_factory=_distractors)
    things_seed: int = Field(default=0, ge=0, lt=2**31)
    piles: int = Field(default=1000, ge=1, lt=2**31)
    render: Plain = Field(default_factory=lambda: tiny_from(3.0))


@dataclass(frozen=True)
class Outcome:
    """What came of a grasp.

    Attributes:
        thing: number of the object that was lifted out or slipped, among the environment's; -1 is none.
        width_m: between the fingers after they closed.
        failure: number of a word in `FAILURES`.
    """

    thing: int = -1
    width_m: float = 0.0
    failure: int = 0


class BinPick(ArmEnv):
    """Lift any object out of the bin with one grasp.

    Attributes:
        things: names of the objects, in the bin or not.
        present: numbers of those in the bin.
        outcome: of the last grasp.
        piles: what the bin is filled with.
    """

    settings_type: ClassVar[type[ArmSettings]] = BinPickSettings
    settings: BinPickSettings
    memory = (*ArmEnv.memory, "present", "outcome")
    start_m: ClassVar[tuple[float, float, float]] = (0.25, -0.45, 0.35)
    present: tuple[int, ...] = ()
    outcome = Outcome()

    def scene(self) -> SceneSpec:
        scene = bin_scene(self.settings.things, self.settings.things_seed)
        self.things = tuple(spec.name for spec in scene.objects if spec.name.startswith("object_"))
        least, most = self.settings.count
        if not 1 <= least <= most <= len(self.things):
            raise ConfigError(f"count: expected 1 <= least <= most <= {len(self.things)} things, got ({least}, {most})")
        return scene

    def cameras(self) -> Mapping[str, View]:
        above = View((*CENTER_M, 0.9), (*CENTER_M, 0.0), 0.5)
        return {"bin": above, **CAMERAS}

    def prepare(self) -> None:
        """Find the angles aside of the bin, and those over its middle, which every grasp is solved from."""
        super().prepare()
        in_picture, with_height = self.settings.grasp == "pixel", self.settings.choose_height
        self._meaning = GraspActions(self.sim, self._camera_now, in_picture, with_height)
        roll_slowly(self.sim, self.things)
        self.piles = Piles(self.sim.world.scene, self.things, self.settings.count, self.settings.things_seed)
        chain, aside = self._workspace.chain, self._start
        self._down = aside.base_T_tool[:3, :3]
        self._over_rad = chain.solve(aside.q_rad, self._pose((*CENTER_M, _ABOVE_M), 0.0), aside.q_rad, steps=200)

    def actions(self) -> spaces.Box:
        return spaces.Box(-1.0, 1.0, (3 + self.settings.choose_height,), np.float32)

    def begin(self, rng: random.Generator) -> None:
        self.start_arm(self.arm.model.opening_m)
        self.outcome = Outcome()
        pile = self.piles.pile(int(rng.integers(self.settings.piles)), bool(rng.integers(2)))
        self.present = pile.things
        put_away(self.sim, self.things)
        self.sim.advance(1)  # else contacts of the episode before would be found again where things lay and lie
        for thing, place, quat in zip(pile.things, pile.places_m, pile.quats_xyzw, strict=True):
            self.sim.place(self.things[thing], place, quat)
        self._settle()

    def dress(self) -> None:
        """Leave the things that are not in the bin out of the pictures, where they would take time unseen."""
        for number, name in enumerate(self.things):
            self.sim.show(name, number in self.present)
        super().dress()

    def _settle(self) -> None:
        """Let a pile, which rested under the nominal dynamics, get used to the episode's."""
        names = [self.things[thing] for thing in self.present]
        for _ in range(_MOST_SETTLING):
            self.sim.advance(_SETTLE_STEPS)
            if at_rest(self.sim, names, _SLOW_M_S):
                break

    def close(self) -> None:
        super().close()
        if hasattr(self, "piles"):  # else it was never built
            self.piles.close()

    def grasp_of(self, action: ArrayLike) -> TopGrasp:
        """Return the grasp that an action means now."""
        return self._meaning.grasp(action)

    def action_of(self, grasp: TopGrasp) -> NDArray[np.float32]:
        """Return the action that means a grasp, as near as the action space allows."""
        return self._meaning.action(grasp)

    def _camera_now(self) -> CameraSpec:
        name = next(iter(self.studio.views))
        return camera_of(self.camera(name, self.settings.size_wh), self.domain.values)

    def act(self, action: Array) -> None:
        for _ in self.carry_out(self.grasp_of(self.noisy(action))):
            pass

    def carry_out(self, grasp: TopGrasp) -> Iterator[None]:
        """Approach, close and lift; yield after each step of control. `outcome` is known at the end."""
        self.sim.advance(SUBSTEPS * int(self.domain.values["action.latency_steps"]))
        above = self._solved((grasp.x_m, grasp.y_m, _ABOVE_M), grasp.yaw_rad)
        if above is None:
            self.outcome = Outcome(failure=FAILURES.index("unreachable"))
            return
        start = self._reference.q_rad
        for share in _shares(_SWING_STEPS):
            yield from self._to(Reference(start + share * (above.q_rad - start), above.base_T_tool))
        blocked = yield from self._lower(grasp.z_m)
        self._finger = 0.0
        yield from self._wait(_CLOSE_STEPS)
        width, gripped = 2 * self.arm.finger_m(), self._held()
        for height in _heights(self._reference, _ABOVE_M):
            yield from self._to(self._at_height(height))
        yield from self._wait(_HOLD_STEPS)
        self.outcome = self._judged(width, gripped, blocked)

    def _judged(self, width_m: float, gripped: int, blocked: bool) -> Outcome:
        held = self._held()
        if held >= 0 and self.sim.pose(self.things[held])[0][2] > OUT_M:
            return Outcome(held, width_m)
        word = "slipped" if gripped >= 0 else "blocked" if blocked else "empty"
        return Outcome(gripped, width_m, FAILURES.index(word))

    def _held(self) -> int:
        held = self.arm.held()
        return next((n for n in self.present if self.sim.body(self.things[n]).id in held), -1)

    def _solved(self, place: tuple[float, float, float], yaw_rad: float) -> Reference | None:
        """Return the angles over a place, with the hand turned so or by half a turn more or less; None for none."""
        chain = self._workspace.chain
        for turn in (yaw_rad, yaw_rad + np.pi, yaw_rad - np.pi):
            pose = self._pose(place, turn)
            q = chain.solve(self._over_rad, pose, self._over_rad, steps=60)
            if np.abs(chain.tool(q) - pose)[:3].max() < _NEAR_M:
                return Reference(q, pose)
        return None

    def _pose(self, place: tuple[float, float, float], yaw_rad: float) -> Array:
        pose = pose_matrix(place, (0.0, 0.0, np.sin(yaw_rad / 2), np.cos(yaw_rad / 2)))
        pose[:3, :3] = pose[:3, :3] @ self._down
        return pose

    def _lower(self, z_m: float) -> Generator[None, None, bool]:
        """Move the tool straight down. Returns whether something stopped it."""
        for height in _heights(self._reference, z_m):
            yield from self._to(self._at_height(height))
            if self.arm.pushed_n() > _MOST_N:
                return True
        return False

    def _at_height(self, z_m: float) -> Reference:
        pose = self._reference.base_T_tool.copy()
        pose[2, 3] = z_m
        return Reference(self._workspace.chain.solve(self._reference.q_rad, pose, self._over_rad, steps=3), pose)

    def _wait(self, steps: int) -> Iterator[None]:
        for _ in range(steps):
            yield from self._to(self._reference)

    def _to(self, reference: Reference) -> Iterator[None]:
        """Follow a reference for one step of control."""
        self.arm.command(self.followed(reference))
        self.sim.advance(SUBSTEPS)
        yield

    def judge(self) -> tuple[float, bool]:
        return float(self._succeeded()), True

    def _succeeded(self) -> bool:
        return self.outcome.thing >= 0 and self.outcome.failure == 0

    def details(self) -> dict[str, float]:
        outcome = self.outcome
        return {
            "is_success": float(self._succeeded()),
            "object": float(outcome.thing),
            "width_m": outcome.width_m,
            "failure": float(outcome.failure),
        }

    def state_limits(self) -> list[tuple[Array, Array]]:
        one = [(0.0, 1.0), *[(-2.0, 2.0)] * 3, *[(-1.0, 1.0)] * 4]
        low, high = np.tile(np.array(one), (len(self.things), 1)).T
        return [(low, high)]

    def state_parts(self) -> list[Array]:
        """Return of each thing: whether it is in the bin, its place and its quaternion (xyzw)."""
        rows = [[[float(n in self.present)], *self.sim.pose(name)] for n, name in enumerate(self.things)]
        return [np.asarray(part, float) for row in rows for part in row]


def _heights(reference: Reference, z_m: float) -> Array:
    """Return the heights of the steps on the way from a reference's to another."""
    start = float(reference.base_T_tool[2, 3])
    steps = max(int(np.ceil(abs(z_m - start) / _STEP_M)), 1)
    return start + _shares(steps) * (z_m - start)


def _shares(steps: int) -> Array:
    """Return the shares of the way after each of some steps, with least jerk: Flash and Hogan (1985)."""
    time = np.arange(1, steps + 1) / steps
    return np.asarray(time**3 * (10 - 15 * time + 6 * time**2))
