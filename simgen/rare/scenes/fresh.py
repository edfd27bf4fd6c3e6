"""Parts of a scene that a rare event does not depend on, taken from other scenes: new looks for the same event."""

import dataclasses
from collections.abc import Sequence

from numpy.random import Generator

from simgen.errors import ConfigError, did_you_mean
from simgen.scene import MaterialSpec, SceneSpec

LOOKS = ("light", "lamps", "environment", "background", "sensor", "camera", "materials")
"""What poses do not depend on."""


def require_parts(parts: Sequence[str]) -> None:
    """Raise `ConfigError` for a part that cannot be taken from another scene."""
    for part in parts:
        if part not in LOOKS:
            raise ConfigError(f'fresh: unknown part "{part}"{did_you_mean(part, LOOKS)}')


def freshened(scene: SceneSpec, donors: Sequence[SceneSpec], parts: Sequence[str], rng: Generator) -> SceneSpec:
    """Return the scene with some parts of one of the donors, drawn evenly.

    Args:
        scene: what stays in all else.
        donors: scenes of the generator, at least one.
        parts: of `LOOKS`; "materials" gives each object the surface of one of its kind, drawn from all donors' objects.
        rng: draws the donors.
    """
    donor = donors[int(rng.integers(len(donors)))]
    whole = {part: getattr(donor, part) for part in parts if part != "materials"}
    scene = dataclasses.replace(scene, **whole)
    if "materials" not in parts:
        return scene
    looks: dict[str, list[MaterialSpec]] = {}
    for other in donors:
        for body in other.objects:
            looks.setdefault(_kind(body.name), []).append(body.material)
    chosen: dict[str, MaterialSpec] = {}
    objects = []
    for body in scene.objects:
        found = looks.get(_kind(body.name), [body.material])
        # The parts of a tray share a surface; what is numbered does not.
        key = "wall" if body.name.startswith("wall_") else body.name
        material = chosen.setdefault(key, found[int(rng.integers(len(found)))])
        objects.append(dataclasses.replace(body, material=material))
    return dataclasses.replace(scene, objects=tuple(objects))


def _kind(name: str) -> str:
    return name.rstrip("0123456789")
