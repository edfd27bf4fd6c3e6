"""Boxes, spheres, cylinders, capsules and lumps: the generic bodies of tables, trays and distractors."""

from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import Field

from simgen.catalog.mesh import Mesh, box_mesh, cube_faces, cube_sides, pieces_mesh, revolve, without_lines
from simgen.catalog.shape import Collider, Model, model

Length = Annotated[float, Field(gt=0)]
_COARSE = 12
"""Divisions of a turn in coarse surfaces, half of the others'."""


@model
class Box(Model):
    """A box with edges `size_m`; every side carries the whole texture.

    Attributes:
        bottom: whether the side -z is drawn, which nobody sees of what always stands on it.
    """

    size_m: tuple[Length, Length, Length]
    texture_px: Annotated[int, Field(ge=1, le=4096)] = 128
    bottom: bool = True

    def texture_size_wh(self) -> tuple[int, int]:
        return self.texture_px, self.texture_px

    def mesh(self, root: Path) -> Mesh:
        return box_mesh(self.size_m, bottom=self.bottom)

    def coarse_mesh(self, root: Path) -> Mesh:
        return pieces_mesh(self.size_m, self.bottom)

    def collider(self, root: Path) -> Collider:
        return Collider("box", tuple(s / 2 for s in self.size_m))


@model
class Sphere(Model):
    """A sphere."""

    radius_m: Length

    def mesh(self, root: Path) -> Mesh:
        return self._mesh(12, 24)

    def coarse_mesh(self, root: Path) -> Mesh:
        return without_lines(self._mesh(6, _COARSE))

    def _mesh(self, rings: int, segments: int) -> Mesh:
        angle = np.linspace(0, np.pi, rings + 1)
        circle = np.stack([np.sin(angle), np.cos(angle)], 1)
        return revolve(circle * self.radius_m, circle, segments)

    def collider(self, root: Path) -> Collider:
        return Collider("sphere", (self.radius_m,))


@model
class Cylinder(Model):
    """A cylinder along z."""

    radius_m: Length
    height_m: Length

    def mesh(self, root: Path) -> Mesh:
        return self._mesh(24)

    def coarse_mesh(self, root: Path) -> Mesh:
        return without_lines(self._mesh(_COARSE))

    def _mesh(self, segments: int) -> Mesh:
        r, h = self.radius_m, self.height_m / 2
        profile = [(0, h), (r, h), (r, h), (r, -h), (r, -h), (0, -h)]
        normals = [(0, 1), (0, 1), (1, 0), (1, 0), (0, -1), (0, -1)]
        return revolve(profile, normals, segments)

    def collider(self, root: Path) -> Collider:
        return Collider("cylinder", (self.radius_m, self.height_m))


@model
class Capsule(Model):
    """A cylinder along z with round ends; `height_m` is the length of the straight part."""

    radius_m: Length
    height_m: Length

    def mesh(self, root: Path) -> Mesh:
        return self._mesh(6, 24)

    def coarse_mesh(self, root: Path) -> Mesh:
        return without_lines(self._mesh(3, _COARSE))

    def _mesh(self, rings: int, segments: int) -> Mesh:
        angle = np.linspace(0, np.pi / 2, rings + 1)
        top = np.stack([np.sin(angle), np.cos(angle)], 1)
        normals = np.concatenate([top, top[::-1] * (1, -1)])
        shift = np.repeat([[0, self.height_m / 2], [0, -self.height_m / 2]], len(top), 0)
        return revolve(normals * self.radius_m + shift, normals, segments)

    def collider(self, root: Path) -> Collider:
        return Collider("capsule", (self.radius_m, self.height_m))


@model
class Lump(Model):
    """A procedural body: a superquadric (Barr 1981) between box, ball and octahedron, squeezed along its axes.

    Attributes:
        size_m: extents along x, y, z.
        roundness: exponent of the superquadric; 0.2 = nearly a box, 1 = an ellipsoid, 2 = an octahedron.
    """

    size_m: tuple[Length, Length, Length]
    roundness: Annotated[float, Field(ge=0.1, le=2.0)] = 1.0

    def mesh(self, root: Path) -> Mesh:
        return self._mesh(8)

    def coarse_mesh(self, root: Path) -> Mesh:
        return self._mesh(4)

    def _mesh(self, cells: int) -> Mesh:
        t = np.linspace(-1, 1, cells + 1)
        unit = cube_sides(np.tan(t * np.pi / 4)).reshape(-1, 3)
        unit /= np.linalg.norm(unit, axis=-1, keepdims=True)
        power = 2 / self.roundness
        radius = (np.abs(unit) ** power).sum(-1, keepdims=True) ** (-1 / power)
        normal = np.sign(unit) * np.abs(unit * radius) ** (power - 1) / np.array(self.size_m)
        normal /= np.linalg.norm(normal, axis=-1, keepdims=True) + 1e-12
        uvs = np.stack(np.meshgrid((t + 1) / 2, (t + 1) / 2), -1)
        points = unit * radius * np.array(self.size_m) / 2
        return Mesh(points, cube_faces(len(t)), normal, np.tile(uvs.reshape(-1, 2), (6, 1)))

    def collider(self, root: Path) -> Collider:
        return Collider("box", tuple(0.45 * s for s in self.size_m))
