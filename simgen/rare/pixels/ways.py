"""The ways that take a trained crop generator, for `simgen.rare.job`."""

from pathlib import Path

from simgen.errors import ConfigError
from simgen.rare.how import Maker, Task, Way, identity_of, too_few
from simgen.rare.mixed import Mixed
from simgen.rare.pixels.gate import Judge
from simgen.rare.pixels.placer import Placer, known_of_crops
from simgen.rare.plan import Entry
from simgen.rare.simulate import Simulator

PIXEL_WAYS = ("vae", "gan", "mix")
"""Ways whose labels rest on what a model drew."""


def pixel_ways(generator: Path | None, gate: Judge | None = None) -> dict[str, Way]:
    """Return the ways "vae", "gan" and "mix" of a crop generator's file; without one, preparing says that it lacks.

    Args:
        generator: the file.
        gate: judges crops before they are placed, or None to place them as they come.
    """

    def placer(task: Task, kind: str) -> Placer:
        if generator is None:
            raise ConfigError(f"--how {kind}: expected --generator, the model file of simgen rare train, got none")
        made = Placer.prepare(task, generator, gate)
        if kind not in (made.trained.kind, "mix"):
            raise ConfigError(f'--how {kind}: expected a generator of that kind, got one of "{made.trained.kind}"')
        return made

    def mixed(task: Task) -> Maker:
        return Mixed((Simulator.prepare(task), placer(task, "mix")))

    identity = identity_of(generator)
    return {
        "vae": Way(lambda task: placer(task, "vae"), unable, identity),
        "gan": Way(lambda task: placer(task, "gan"), unable, identity),
        "mix": Way(mixed, unable, identity),
    }


def unable(entry: Entry) -> str:
    """Return why crops cannot make a cell: too few to learn from, or it asks for what is not known of them."""
    unknown = [name for name in entry.cell.attributes if not known_of_crops(name)]
    return f"{unknown[0]} is not known of a placed crop" if unknown else too_few(entry)
