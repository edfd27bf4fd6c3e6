"""`SimEnv`: what all environments share. One file a kind of environment adds a scene, an action and a reward.

An episode is a pure function of (settings, seed, number): `reset(seed=s)` starts the episodes of a seed, each `reset()`
goes on to the next, and nothing that happened before can change one. For each episode the simulation goes back to its
first state, every number of the domain is applied anew, and then the environment places what its task needs.
"""

import copy
from abc import abstractmethod
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, TypeAlias

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.random import Generator
from numpy.typing import NDArray

from simgen.config import renderer_of
from simgen.envs.cameras import CAMERAS, View, views_of
from simgen.envs.domain import Domain, DomainSampler, Parameter, Parameters, load_randomization
from simgen.envs.domain.dynamics import apply_dynamics, dynamics_parameters
from simgen.envs.domain.presets import Source
from simgen.envs.domain.visual import SceneLooks
from simgen.envs.given import action_in, options_of
from simgen.envs.observe import Observation, Observer
from simgen.envs.pictures import Studio
from simgen.envs.robots import RobotModel
from simgen.envs.settings import EnvSettings
from simgen.envs.simulation import Simulation, Snapshot
from simgen.envs.window import RENDER_MODES, Window, checked_render_mode
from simgen.errors import EnvError
from simgen.registry import validate
from simgen.render import Frame
from simgen.rng import stream
from simgen.scene import CameraSpec, SceneSpec

Limits: TypeAlias = tuple[NDArray[np.float32], NDArray[np.float32]]
MOST_LATENCY = 10
"""Steps by which an observation or an action can be late."""


@dataclass(frozen=True)
class EnvState:
    """A state of an environment, for `restore_state`: the simulation's, and what the environment remembers."""

    physics: Snapshot
    memory: dict[str, Any]


class SimEnv(gymnasium.Env[Any, Any]):
    """An environment in a simulated world of its own.

    A subclass gives `scene`, `actions`, `begin`, `act` and `judge`, and of the other hooks what it needs.

    Attributes:
        settings_type: the dataclass that the keyword arguments of the constructor make.
        ghosts: names of bodies that are seen but touch nothing.
        memory: names of the attributes that change during an episode; a subclass adds its own.
        settings: what the user said.
        sim: the simulation.
        parameters: what randomization may vary.
        late: by how many steps the last observation was late.
    """

    metadata: dict[str, Any] = {"render_modes": list(RENDER_MODES), "render_fps": 25}  # noqa: RUF012 (gymnasium's)
    settings_type: ClassVar[type[EnvSettings]] = EnvSettings
    ghosts: ClassVar[tuple[str, ...]] = ()
    memory: ClassVar[tuple[str, ...]] = ("_seed", "_number", "_step", "_domain", "_seen")

    def __init__(self, **settings: Any) -> None:
        """Build the world.

        Args:
            settings: the fields of `settings_type`.

        Raises:
            ConfigError: an unknown setting or a value that does not fit.
        """
        self._closed = True
        self._said = copy.deepcopy(settings)
        self.settings = validate(self.settings_type, settings, type(self).__name__)
        self.render_mode = checked_render_mode(self.settings.render_mode)
        if self.render_mode != "human":  # checkers try all modes that one claims, and there may be no display
            self.metadata = {**self.metadata, "render_modes": ["rgb_array"]}
        renderer, robot, scene = renderer_of(self.settings.render), self.robot(), self.scene()
        views = views_of(self.settings.cameras, self.cameras())
        self.sim = Simulation(scene, robot, self.ghosts, renderer.needs_visuals)
        self._closed, self._window = False, None
        try:
            if self.render_mode == "human":
                self._window = Window(type(self).__name__, self.settings.render_size, self.metadata["render_fps"])
            self._looks = SceneLooks(scene, robot is not None)
            self.studio = Studio(self.sim, self._looks, views, renderer)
            self.prepare()
            self.parameters = Parameters(self.domain_parameters(), type(self).__name__)
            self.set_randomization(self.settings.randomization)
            self._observer = Observer(self, self.settings.obs, tuple(views), self.settings.size_wh)
            self.action_space = self.actions()
            self.observation_space = self.observations()
        except BaseException:
            self.close()
            raise
        self._seed: int | None = None
        self._number = self._step = self.late = 0
        self._domain: Domain | None = None
        self._seen: deque[Observation] = deque(maxlen=MOST_LATENCY + 1)

    @abstractmethod
    def scene(self) -> SceneSpec:
        """Return the nominal scene. It is left to itself until its bodies rest, before the first state is kept."""

    @abstractmethod
    def actions(self) -> spaces.Box:
        """Return the action space."""

    @abstractmethod
    def begin(self, rng: Generator) -> None:
        """Begin an episode: place bodies and goals. The simulation is in its first state, the domain is applied."""

    @abstractmethod
    def act(self, action: NDArray[np.float64]) -> None:
        """Carry out an action that lies in the action space, and let the time of one step pass."""

    @abstractmethod
    def judge(self) -> tuple[float, bool]:
        """Return the reward of the state now, and whether the episode ends with it."""

    def robot(self) -> RobotModel | None:
        """Return the robot, or None."""
        return None

    def cameras(self) -> Mapping[str, View]:
        """Return the cameras that a user can name."""
        return CAMERAS if self.robot() is not None else {k: v for k, v in CAMERAS.items() if v.on == "world"}

    def prepare(self) -> None:
        """Work out what needs the simulation and stays the same for all episodes."""

    def domain_parameters(self) -> Iterable[Parameter]:
        """Yield what randomization may vary."""
        yield from self._looks.parameters()
        yield from dynamics_parameters(self.sim)
        yield Parameter("observation.latency_steps", 0.0, 0.0, MOST_LATENCY, whole=True)

    def vectors(self) -> Mapping[str, Limits]:
        """Return the limits of each vector that can be observed, e.g. "state"."""
        return {}

    def vector(self, name: str) -> NDArray[np.float32]:
        """Return one of those vectors now."""
        raise EnvError(f'obs: this environment has no "{name}"')

    def observations(self) -> spaces.Space[Any]:
        """Return the observation space."""
        found = self._observer.boxes()
        return found["observation"] if list(found) == ["observation"] else spaces.Dict(dict(found))

    def observed(self, arrays: Observation) -> Any:
        """Return the observation that is made of the arrays of the modes."""
        return arrays["observation"] if list(arrays) == ["observation"] else arrays

    def dress(self) -> None:
        """Give the bodies and the lights the looks of the domain."""
        self.studio.dress(self._sampler.randomization, self.domain.values, self._root)

    def details(self) -> dict[str, float]:
        """Return what `info` holds beside the domain: floats, always under the same keys."""
        return {}

    def reset(self, *, seed: int | None = None, options: Mapping[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Begin an episode.

        Args:
            seed: begins the episodes of a seed; without one the next of the same seed follows.
            options: "domain": values by parameter that replace those that would be drawn (a whole record replays an
                episode of the same seed); "episode": the number of the episode under the seed, instead of the next.

        Raises:
            EnvError: an unknown option or parameter, or a value out of its limits.
        """
        self._require_open()
        super().reset(seed=seed)
        given, number = options_of(options, self.parameters)
        if seed is not None or self._seed is None:
            self._seed, self._number = int(self.np_random.integers(2**31)) if seed is None else seed, -1
        self._number = self._number + 1 if number is None else number
        self._step = 0
        self._seen.clear()
        self._domain = self._sampler.episode(self._seed, self._number, given)
        self.sim.restore()
        apply_dynamics(self.sim, self.domain.values)
        self.begin(stream(self._seed, self._number, "task"))
        self.dress()
        self._show()
        return self._observe(), self._info()

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Carry out an action. Raises `EnvError` for one of the wrong shape or with numbers that are not finite."""
        assert isinstance(self.action_space, spaces.Box)
        checked = action_in(self.action_space, action)
        self._step += 1
        if self.domain.step(self._step):
            self._apply()
        self.act(checked)
        reward, terminated = self.judge()
        self._show()
        return self._observe(), float(reward), bool(terminated), False, self._info()

    def render(self) -> NDArray[np.uint8] | None:
        """Return what the first camera sees, (render_size, render_size, 3); None in other modes than "rgb_array"."""
        return self._picture() if self.render_mode == "rgb_array" else None

    def close(self) -> None:
        """Free the simulation; may be called again."""
        if not self._closed:
            self._closed = True
            self.sim.close()
            if self._window is not None:
                self._window.close()

    @property
    def domain(self) -> Domain:
        """The domain of the episode. Raises `EnvError` before the first `reset`, and after `close`."""
        self._require_open()
        if self._domain is None:
            raise EnvError("expected reset() before it, got an environment without an episode")
        return self._domain

    @property
    def steps(self) -> int:
        """The steps of the episode so far."""
        return self._step

    def episode_stream(self, name: str) -> Generator:
        """Return the generator of a purpose in this episode."""
        assert self._seed is not None
        return stream(self._seed, self._number, name)

    def set_randomization(self, randomization: Source) -> None:
        """Randomize otherwise from the next `reset` on. Works through vector environments: `env.call(...)`.

        Raises:
            ConfigError: an unknown name, a file or data with a mistake, or a parameter that this environment lacks.
        """
        self._require_open()
        loaded, root = load_randomization(randomization)
        self._sampler, self._root = DomainSampler(self.parameters, loaded, self._looks), root
        self._said["randomization"] = randomization

    def camera(self, name: str, size_wh: tuple[int, int]) -> CameraSpec:
        """Return a camera where it is now, without what the domain does to it."""
        return self.studio.camera(name, size_wh)

    def frame(self, camera: str, size_wh: tuple[int, int] | None = None, canonical: bool = False) -> Frame:
        """Return what a camera sees now.

        Args:
            camera: its name.
            size_wh: of the picture; that of the observations if it is None.
            canonical: whether it is seen as if nothing visible were randomized.
        """
        values, spec = self.domain.values, self.camera(camera, size_wh or self.settings.size_wh)
        number = 16 * self._step + list(self.studio.views).index(camera)
        if not canonical:
            return self.studio.frame(spec, values, number)
        nominal = self.parameters.nominal()
        self.studio.dress(self._sampler.randomization, nominal, self._root)
        try:
            return self.studio.frame(spec, nominal, number)
        finally:
            self.dress()

    def save_state(self) -> EnvState:
        """Return the state now; `forget_state` frees the simulation's part of it, as `close` does.

        Raises:
            EnvError: before the first `reset`, and after `close`.
        """
        _ = self.domain
        return EnvState(self.sim.save(), {name: copy.deepcopy(getattr(self, name)) for name in self.memory})

    def restore_state(self, state: EnvState) -> None:
        """Go back to a state of this environment. Raises `EnvError` for another's, and for what is no state."""
        self._require_open()
        if not isinstance(state, EnvState):
            raise EnvError(f"restore_state: expected a state that save_state returned, got {type(state).__name__}")
        self.sim.restore(state.physics)
        for name, value in state.memory.items():
            setattr(self, name, copy.deepcopy(value))
        self._apply()

    def forget_state(self, state: EnvState) -> None:
        """Free the memory of a state."""
        self.sim.forget(state.physics)

    def __reduce__(self) -> tuple[Any, ...]:
        """A copy is built anew with the same settings; it starts with a `reset`."""
        return _rebuilt, (type(self), self._said, self.spec)

    def _picture(self) -> NDArray[np.uint8]:
        size = self.settings.render_size
        return np.array(self.frame(next(iter(self.studio.views)), (size, size)).rgb)

    def _show(self) -> None:
        if self._window is not None:
            self._window.show(self._picture())

    def _apply(self) -> None:
        apply_dynamics(self.sim, self.domain.values)
        self.dress()

    def _observe(self) -> Any:
        self._seen.append(self._observer.read())
        self.late = min(int(self.domain.values["observation.latency_steps"]), len(self._seen) - 1)
        return self.observed({name: array.copy() for name, array in self._seen[-1 - self.late].items()})

    def _info(self) -> dict[str, Any]:
        assert self._seed is not None
        numbers = {"seed": float(self._seed), "episode_number": float(self._number)}  # "episode" is gymnasium's
        return {"domain": self.parameters.record(self.domain.values), **numbers, **self.details()}

    def _require_open(self) -> None:
        if self._closed:
            raise EnvError("expected an open environment, got one that was closed")


def _rebuilt(cls: type[SimEnv], settings: dict[str, Any], spec: Any) -> SimEnv:
    env = cls(**settings)
    env.spec = spec
    return env
