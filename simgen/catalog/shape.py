"""The protocol of what can stand in a scene."""

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from pydantic.dataclasses import dataclass as pydantic_dataclass

from simgen.catalog.mesh import Mesh
from simgen.scene import STRICT, Vec3

model = pydantic_dataclass(frozen=True, config=STRICT)
"""Decorator of a model: a frozen dataclass whose fields are the shape's parameters, validated."""


@pydantic_dataclass(frozen=True)
class Collider:
    """What stands for a shape in the physics, around the model's `center_m`.

    Attributes:
        kind: "box" (half extents), "sphere" (radius), "cylinder" or "capsule" (radius, length on z), or "hull".
        size_m: of the primitives.
        points_m: of the hull, relative to the centre.
    """

    kind: str
    size_m: tuple[float, ...] = ()
    points_m: tuple[Vec3, ...] = ()


class Model:
    """What can stand in a scene. A subclass gives at least `mesh` and `collider`.

    Attributes:
        convex: whether the silhouette is the convex hull of the projected vertices.
        pictures_at_once: how many neighbours in a scene `paint_all` is given together.
    """

    convex: ClassVar[bool] = True
    pictures_at_once: ClassVar[int] = 1

    def mesh(self, root: Path) -> Mesh:
        """Return the surface. `root` is the folder that relative file names start from."""
        raise TypeError(f"{type(self).__name__} gives no mesh")

    def coarse_mesh(self, root: Path) -> Mesh:
        """Return the surface in fewer triangles, for small pictures; the same where nothing is gained."""
        return self.mesh(root)

    def collider(self, root: Path) -> Collider:
        """Return the primitive that stands for the shape in the physics."""
        raise TypeError(f"{type(self).__name__} gives no collider")

    def center_m(self, root: Path) -> Vec3:
        """Return the centre of mass in the object's frame."""
        return (0.0, 0.0, 0.0)

    def paint(self, body: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return the texture image: the body's (H, W, 3) uint8 with the model's own marks drawn on it."""
        return body

    @classmethod
    def paint_all(cls, models: Sequence[Self], bodies: Sequence[NDArray[np.uint8]]) -> list[NDArray[np.uint8]]:
        """Return the pictures that `paint` gives, of models with textures of one size; for what is faster together."""
        return [model.paint(body) for model, body in zip(models, bodies, strict=True)]

    def picture(self, root: Path) -> NDArray[np.uint8] | None:
        """Return a picture (H, W, 3) of the texture's size that multiplies what `paint` gives, or None."""
        return None

    def texture_size_wh(self) -> tuple[int, int]:
        """Return the size in pixels of the texture that the body is drawn at."""
        return 128, 128

    def class_name(self, world_R_object: NDArray[np.float64]) -> str | None:
        """Return the class of the object as it lies, given its (3, 3) rotation; None if it has none."""
        return None

    def keypoints_m(self) -> dict[str, Vec3]:
        """Return named points in the object's frame, metres."""
        return {}

    def outline_m(self) -> tuple[float, float] | None:
        """Return width and height of a flat model's print: from the origin along x and y at z = 0. None for others."""
        return None
