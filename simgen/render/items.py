"""What a world shows, as a flat list of posed meshes: the bodies, and the links of robots."""

import json
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simgen.catalog import Mesh
from simgen.errors import AssetError
from simgen.painter import painted
from simgen.scene import MaterialSpec, Plain
from simgen.textures import draw_texture
from simgen.world import Body, World

MAX_TRIANGLES = 4_000_000
Image = NDArray[np.uint8]
Pose = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Item:
    """One mesh in a world, wherever it stands.

    Attributes:
        name: of the body, for messages.
        mesh: surface in the item's own frame.
        mesh_key: equal for equal meshes.
        material: how it looks.
        texture_key: equal for equal pictures.
        picture: draws the base colour, (H, W, 3) uint8.
        detail: draws one of the material's other textures at the same size.
        instance: 1 + the number of its body in the world.
        part: 1 + the number of its link in the body.
        convex: whether the surface is closed for certain: what faces away from the camera is never seen.
        low_m, extent_m: (3,) bounding box in the item's frame.
    """

    name: str
    mesh: Mesh
    mesh_key: str
    material: MaterialSpec
    texture_key: str
    picture: Callable[[], Image]
    detail: Callable[[Plain], Image]
    instance: int
    part: int
    convex: bool
    low_m: NDArray[np.float64]
    extent_m: NDArray[np.float64]


def body_items(world: World) -> list[Item]:
    """Return the items of a world's bodies, in order.

    Raises:
        AssetError: a mesh is empty or too large to draw.
    """
    return [_body_item(world, order, body) for order, body in enumerate(world.bodies)]


def _body_item(world: World, order: int, body: Body) -> Item:
    spec, model, root = body.spec, body.model, world.root
    low, extent = bounds(spec.name, body.mesh)
    shape = f"{root}|{json.dumps(spec.model, sort_keys=True, default=str)}"
    return Item(
        name=spec.name,
        mesh=body.mesh,
        mesh_key=shape,
        material=spec.material,
        texture_key=f"{shape}|{json.dumps(_looks(spec.material), sort_keys=True, default=str)}",
        picture=lambda: painted(spec, model, root),
        detail=lambda section: draw_texture(section, model.texture_size_wh(), root),
        instance=order + 1,
        part=1,
        convex=model.convex,
        low_m=low,
        extent_m=extent,
    )


def _looks(material: MaterialSpec) -> list[Plain | None]:
    return [material.texture, material.roughness_texture, material.bump_texture]


def bounds(name: str, mesh: Mesh) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the lower corner and the extent (3,) of a mesh. Raises `AssetError` if it cannot be drawn."""
    if not 0 < len(mesh.faces) <= MAX_TRIANGLES:
        raise AssetError(f'object "{name}": expected a mesh of 1 to {MAX_TRIANGLES} triangles, got {len(mesh.faces)}')
    low, high = mesh.bounds_m
    return low, np.maximum(high - low, 1e-9)
