"""Targets: the thing whose pose is asked for, or that is to be seen. A name, or any model of simgen's catalog."""

from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from pydantic.dataclasses import dataclass as config_dataclass

from simgen.catalog import build_model
from simgen.envs.rotations import Symmetry
from simgen.envs.settings import EnvSettings, Names
from simgen.envs.tabletop import plain
from simgen.errors import ConfigError, did_you_mean
from simgen.scene import STRICT, ObjectSpec, Plain, Vec3

COLOR = (226, 120, 34)
HIDDEN_M: Vec3 = (0.0, 0.0, -100.0)
"""Where a body is that an episode does not show: beyond what cameras draw."""
MOST_RADIUS_M = 0.1


@dataclass(frozen=True)
class Target:
    """A thing.

    Attributes:
        model: a section of simgen's catalog.
        symmetry: after which turns it looks the same.
    """

    model: Plain
    symmetry: Symmetry


@config_dataclass(frozen=True, config=STRICT)
class TargetSettings(EnvSettings):
    """Of an environment with a target.

    Attributes:
        target: a name of `TARGETS`, or a section of the catalog: {"kind": "mesh", "path": "part.obj", "scale": 0.001}.
        symmetry: after which turns the target looks the same, {axis: number of equal turns, 0 for any}; None leaves it
            to a named target, and is no turn for others.
    """

    obs: Names = "rgb"
    target: str | dict[str, Any] = "die"
    symmetry: Symmetry | None = None


def target_of(settings: TargetSettings) -> Target:
    """Return the target of settings. Raises `ConfigError` for an unknown name or a section that does not fit."""
    choice = settings.target
    if isinstance(choice, str) and choice not in TARGETS:
        raise ConfigError(f'target: unknown target "{choice}"{did_you_mean(choice, TARGETS)}')
    found = TARGETS[choice] if isinstance(choice, str) else Target(choice, {})
    return found if settings.symmetry is None else Target(found.model, settings.symmetry)


def target_body(target: Target, place_m: Vec3) -> ObjectSpec:
    """Return the body of a target.

    Raises:
        ConfigError: a section of the catalog that does not fit, or a body that is too large for the table.
        AssetError: a mesh that is missing or unreadable.
    """
    radius = radius_m(target.model)
    if radius > MOST_RADIUS_M:
        raise ConfigError(
            f"target: expected a body within {MOST_RADIUS_M:g} m of its centre, got one of {radius:.3g} m "
            '(a mesh in millimetres needs "scale": 0.001)'
        )
    return ObjectSpec("target", target.model, plain(COLOR, 0.2), place_m)


def radius_m(section: Plain) -> float:
    """Return how far a model reaches from its centre."""
    model = build_model(section)
    return float(np.linalg.norm(model.mesh(Path()).vertices_m - model.center_m(Path()), axis=1).max())


_BRACKET = str(files("simgen.assets") / "meshes" / "bracket.obj")
TARGETS: dict[str, Target] = {
    "die": Target({"kind": "die", "size_m": 0.06, "face_px": 32}, {}),
    "bracket": Target({"kind": "mesh", "path": _BRACKET, "scale": 0.0018}, {}),
    "box": Target({"kind": "box", "size_m": (0.09, 0.06, 0.04), "texture_px": 64}, {"x": 2, "z": 2}),
    "can": Target({"kind": "cylinder", "radius_m": 0.03, "height_m": 0.08}, {"x": 2, "z": 0}),
}
