"""The ways that take a trained crop generator, for `simgen.rare.fill`."""

import hashlib
from collections.abc import Callable
from pathlib import Path

from simgen.errors import ConfigError
from simgen.rare.how import Maker, Task, Way
from simgen.rare.mixed import Mixed
from simgen.rare.pixels.placer import Judge, Placer
from simgen.rare.simulate import Simulator


def pixel_ways(generator: Path | None, judge: Callable[[], Judge] | None) -> dict[str, Way]:
    """Return the ways "vae", "gan" and "mix".

    Args:
        generator: a crop generator's file; without one, preparing says that it lacks.
        judge: see `Placer`.
    """

    def placer(task: Task, kind: str) -> Placer:
        if generator is None:
            raise ConfigError(f"--how {kind}: expected --generator, the model file of simgen rare train, got none")
        made = Placer.prepare(task, generator, judge)
        found = made.tools().generator.kind
        if kind not in (found, "mix"):
            raise ConfigError(f'--how {kind}: expected a generator of that kind, got one of the kind "{found}"')
        return made

    def mixed(task: Task) -> Maker:
        return Mixed((Simulator.prepare(task), placer(task, "mix")))

    known = generator is not None and generator.is_file()
    identity = {"generator": hashlib.sha256(generator.read_bytes()).hexdigest()[:16]} if generator and known else {}
    identity |= {} if judge is None else {"gate": repr(judge)}
    return {
        "vae": Way(lambda task: placer(task, "vae"), learned=True, identity=identity),
        "gan": Way(lambda task: placer(task, "gan"), learned=True, identity=identity),
        "mix": Way(mixed, learned=True, identity=identity),
    }
