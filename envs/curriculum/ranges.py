"""`Curriculum`: automatic domain randomization. It draws domains, hears how they went, and moves the ranges.

Source: Akkaya et al., Solving Rubik's Cube with a Robot Hand (2019), algorithm 1. It knows no environment; what it
draws is a pure function of (settings, results so far, number of the draw).
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from simgen.envs.curriculum.settings import Change, CurriculumSettings, CurriculumState
from simgen.errors import EnvError
from simgen.registry import validate
from simgen.rng import stream


@dataclass(frozen=True)
class Draw:
    """A domain for one episode.

    Attributes:
        number: of the draw, from 0.
        values: by parameter.
        at: the parameter that was put at a bound and the side (0 low, 1 high), or None.
    """

    number: int
    values: dict[str, float]
    at: tuple[str, int] | None


class Curriculum:
    """Ranges that grow where an agent succeeds at their bounds, and shrink where it fails.

    Attributes:
        settings: what the user said.
        results: how many results were recorded.
        changes: of the ranges, in order.
    """

    def __init__(self, settings: CurriculumSettings | Mapping[str, Any]) -> None:
        """Start with the narrowest ranges.

        Args:
            settings: the fields of `CurriculumSettings`, e.g.
                {"axes": {"object.mass_kg": {"start": [0.1, 0.1], "step": 0.05, "limits": [0.02, 1.0]}}}.

        Raises:
            ConfigError: a mistake in them; one sentence.
        """
        self.settings = validate(CurriculumSettings, settings, "curriculum")
        names = list(self.settings.axes)
        self._drawn, self.results = 0, 0
        self._steps = {name: [0, 0] for name in names}
        self._buffers: dict[str, tuple[list[float], list[float]]] = {name: ([], []) for name in names}
        self.changes: list[Change] = []

    def range(self, name: str) -> tuple[float, float]:
        """Return a parameter's low and high now."""
        axis, (low, high) = self.settings.axes[name], self._steps[name]
        return axis.bound(0, low), axis.bound(1, high)

    def ranges(self) -> dict[str, tuple[float, float]]:
        """Return all parameters' low and high now."""
        return {name: self.range(name) for name in self.settings.axes}

    def draw(self) -> Draw:
        """Return the domain of the next episode; `boundary_share` of them have one parameter at a bound."""
        number, self._drawn = self._drawn, self._drawn + 1
        rng = stream(self.settings.seed, number, "curriculum")
        values = {name: float(rng.uniform(*bounds)) for name, bounds in self.ranges().items()}
        if rng.random() >= self.settings.boundary_share:
            return Draw(number, values, None)
        order, side = divmod(int(rng.integers(2 * len(values))), 2)
        name = list(values)[order]
        return Draw(number, values | {name: self.range(name)[side]}, (name, side))

    def record(self, draw: Draw, result: float) -> None:
        """Hear how an episode went: 1 is a success, 0 a failure.

        A result at a bound that has moved since it was drawn says nothing of the new one and is left out.

        Raises:
            EnvError: a result that is not from 0 to 1.
        """
        if not 0 <= result <= 1:
            raise EnvError(f"curriculum: expected a result from 0 to 1, got {result!r}")
        self.results += 1
        if draw.at is None:
            return
        name, side = draw.at
        if draw.values[name] != self.range(name)[side]:
            return
        buffer = self._buffers[name][side]
        buffer.append(float(result))
        if len(buffer) >= self.settings.buffer:
            self._decide(name, side, sum(buffer) / len(buffer))
            buffer.clear()

    def _decide(self, name: str, side: int, mean: float) -> None:
        before, steps = self.range(name), self._steps[name]
        if mean >= self.settings.grow_at and before[side] != self.settings.axes[name].limits[side]:
            steps[side] += 1
        elif mean <= self.settings.shrink_at:
            steps[side] = max(steps[side] - 1, 0)
        if self.range(name) != before:
            self.changes.append(Change(self.results, name, *self.range(name)))

    def state(self) -> dict[str, Any]:
        """Return all that it remembers, as plain data for JSON."""
        steps = {name: (low, high) for name, (low, high) in self._steps.items()}
        buffers = {name: (list(low), list(high)) for name, (low, high) in self._buffers.items()}
        return asdict(CurriculumState(self.settings, self._drawn, self.results, steps, buffers, list(self.changes)))

    @classmethod
    def of(cls, state: Mapping[str, Any]) -> "Curriculum":
        """Return the curriculum of a state: it goes on as the one that the state was taken of.

        Raises:
            ConfigError: a mistake in the state; one sentence.
        """
        known = validate(CurriculumState, state, "curriculum")
        made = cls(known.settings)
        made._drawn, made.results, made.changes = known.drawn, known.results, list(known.changes)
        made._steps = {name: [*both] for name, both in known.steps.items()}
        made._buffers = {name: (list(low), list(high)) for name, (low, high) in known.buffers.items()}
        return made

    def save(self, file: str | Path) -> None:
        """Write the state as JSON; the file is there whole or not at all."""
        path = Path(file)
        part = path.with_name(f".{path.name}.part")
        part.write_text(json.dumps(self.state(), indent=1) + "\n", "utf-8")
        part.replace(path)

    @classmethod
    def load(cls, file: str | Path) -> "Curriculum":
        """Return the curriculum of a file of `save`. Raises `EnvError` for another file, `ConfigError` for mistakes."""
        try:
            state = json.loads(Path(file).read_text("utf-8"))
        except (OSError, ValueError):
            raise EnvError(f'curriculum "{file}": expected a JSON file that Curriculum.save wrote') from None
        return cls.of(state)
