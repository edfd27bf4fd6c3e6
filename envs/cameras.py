"""Cameras of an environment: fixed in the world, or carried by the tool."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator
from pydantic.dataclasses import dataclass

from simgen.errors import ConfigError, did_you_mean
from simgen.geometry import transform
from simgen.registry import validate
from simgen.scene import STRICT, CameraSpec, Vec3

Choice: TypeAlias = str | tuple[str, ...] | dict[str, Any]


@dataclass(frozen=True, config=STRICT)
class View:
    """Where a camera stands and looks.

    Attributes:
        eye_m, target_m: in the world, or in the tool's frame.
        fov_rad: horizontal field of view.
        on: "world", or "tool" for a camera on the hand.
        roll_rad: turn about the line of sight.
    """

    eye_m: Vec3
    target_m: Vec3
    fov_rad: Annotated[float, Field(gt=0.01, lt=3.0)] = 0.8
    on: Literal["world", "tool"] = "world"
    roll_rad: float = 0.0

    @model_validator(mode="after")
    def _looks_somewhere(self) -> "View":
        if self.eye_m == self.target_m:
            raise ValueError(f"expected eye_m and target_m to be two places, got {self.eye_m} for both")
        return self

    def camera(self, size_wh: tuple[int, int]) -> CameraSpec:
        """Return the camera for pictures of a size, where the view says."""
        width, height = size_wh
        focal = width / (2 * float(np.tan(self.fov_rad / 2)))
        center = ((width - 1) / 2, (height - 1) / 2)
        return CameraSpec(size_wh, (focal, focal), center, self.eye_m, self.target_m, self.roll_rad)


def carried(camera: CameraSpec, world_T_tool: NDArray[np.float64]) -> CameraSpec:
    """Return a camera that is given in the tool's frame, in the world's."""
    eye, target = transform(world_T_tool, [camera.eye_m, camera.target_m]).tolist()
    return replace(camera, eye_m=tuple(eye), target_m=tuple(target))


FRONT = View((1.35, 0.0, 0.75), (0.42, 0.0, 0.12), 0.75)
SIDE = View((0.5, -1.1, 0.65), (0.42, 0.0, 0.12), 0.75)
TOP = View((0.9, 0.0, 1.3), (0.48, 0.0, 0.0), 0.7)
WRIST = View((0.13, 0.0, -0.10), (-0.04, 0.0, 0.06), 1.2, "tool")

CAMERAS: dict[str, View] = {"front": FRONT, "side": SIDE, "top": TOP, "wrist": WRIST}


def views_of(choice: Any, known: Mapping[str, View]) -> dict[str, View]:
    """Return the views of a user's choice: a name, names, or {name: the fields of a `View`}. Raises `ConfigError`."""
    if isinstance(choice, Mapping) and choice:
        return {str(name): validate(View, fields, f"cameras.{name}") for name, fields in choice.items()}
    names = (choice,) if isinstance(choice, str) else tuple(choice)
    for name in names:
        if name not in known:
            raise ConfigError(f'cameras: unknown camera "{name}"{did_you_mean(str(name), known)}')
    if not names or len(set(names)) < len(names):
        raise ConfigError(f"cameras: expected each name once and at least one, got {list(names)}")
    return {name: known[name] for name in names}
