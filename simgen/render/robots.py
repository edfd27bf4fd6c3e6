"""Robots as items: the surfaces that PyBullet names for each link of a body loaded from a URDF."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import cv2
import numpy as np
from numpy.typing import NDArray

from simgen.bullet import p
from simgen.catalog import MODELS, Mesh
from simgen.catalog.meshcolors import part_color
from simgen.catalog.meshfile import crease_normals, creased
from simgen.errors import AssetError
from simgen.geometry import pose_matrix
from simgen.render.items import MAX_TRIANGLES, Image, Item, Pose, body_items, bounds
from simgen.scene import MaterialSpec, Plain
from simgen.world import Robot, World

_MATERIAL = MaterialSpec({"kind": "plain"}, specular=0.5, roughness=0.45)
"""Painted metal and plastic: a URDF says no more than a colour."""
_PLAIN_PX = 4


@dataclass(frozen=True, eq=False)
class Piece:
    """A mesh of one material.

    Attributes:
        mesh: surface.
        image: (H, W, 3) uint8, its base colour, or None where the file gives none.
        painted: whether the image is more than one colour: then it is preferred to the URDF's colour.
    """

    mesh: Mesh
    image: Image | None
    painted: bool = False


@dataclass(frozen=True, eq=False)
class LinkItem:
    """An item, the link that it moves with (-1 is the base), and its place in that link's frame."""

    item: Item
    link: int
    link_T_item: Pose


_BODIES: "WeakKeyDictionary[World, list[Item]]" = WeakKeyDictionary()
_KNOWN: "WeakKeyDictionary[World, list[list[LinkItem]]]" = WeakKeyDictionary()
_LOOKS: "WeakKeyDictionary[World, int]" = WeakKeyDictionary()


def items_of(world: World) -> list[Item]:
    """Return what a world shows: the bodies, then the links of its robots.

    Raises:
        AssetError: a mesh that cannot be read or drawn.
    """
    _forget_old_looks(world)
    if world not in _BODIES or len(_BODIES[world]) != len(world.bodies):
        _BODIES[world] = body_items(world)
    return [*_BODIES[world], *(part.item for part in robot_items(world))]


def _forget_old_looks(world: World) -> None:
    if _LOOKS.get(world, 0) != world.looks:
        _BODIES.pop(world, None)
        _KNOWN.pop(world, None)
        _LOOKS[world] = world.looks


def poses_of(world: World) -> list[Pose]:
    """Return world_T_item (4, 4) of each of the `items_of` a world."""
    return [*world.poses(), *robot_poses(world)]


def robot_items(world: World) -> list[LinkItem]:
    """Return the items of a world's robots, in order. They are read once for each robot.

    Raises:
        AssetError: a mesh that cannot be read.
    """
    known = _KNOWN.setdefault(world, [])
    for order in range(len(known), len(world.robots)):
        known.append(_items(world, world.robots[order], len(world.bodies) + order + 1))
    return [item for items in known for item in items]


def robot_poses(world: World) -> list[Pose]:
    """Return world_T_item of `robot_items`."""
    poses = []
    for order, robot in enumerate(world.robots):
        robot_items(world)
        links = {-1: _base_pose(world.client, robot.id)}
        for part in _KNOWN[world][order]:
            if part.link not in links:
                state = p.getLinkState(robot.id, part.link, computeForwardKinematics=1, physicsClientId=world.client)
                links[part.link] = pose_matrix(state[4], state[5])
            poses.append(links[part.link] @ part.link_T_item)
    return poses


def _base_pose(client: int, body: int) -> Pose:
    """PyBullet gives the base's centre of mass; the surfaces stand in its link's frame."""
    place, turn = p.getBasePositionAndOrientation(body, physicsClientId=client)
    inertial = p.getDynamicsInfo(body, -1, physicsClientId=client)
    return np.asarray(pose_matrix(place, turn) @ np.linalg.inv(pose_matrix(inertial[3], inertial[4])))


def _items(world: World, robot: Robot, instance: int) -> list[LinkItem]:
    made = []
    for shape in p.getVisualShapeData(robot.id, physicsClientId=world.client):
        _, link, kind, size, file, place, turn, rgba = shape[:8]
        path = Path(file.decode()) if isinstance(file, bytes) else Path(file)
        key = f"{robot.path}|{kind}|{path}|{size}"
        for part, piece in enumerate(_pieces(int(kind), path, tuple(float(s) for s in size))):
            low, extent = bounds(robot.name, piece.mesh)
            color = tuple(round(255 * min(max(c, 0.0), 1.0)) for c in rgba[:3])
            own = piece.image is not None and (piece.painted or color == (255, 255, 255))
            item = Item(
                name=robot.name,
                mesh=piece.mesh,
                mesh_key=f"{key}|{part}",
                material=_MATERIAL,
                texture_key=f"{key}|{part}|{None if own else color}",
                picture=_picture(piece.image if own else None, color),
                detail=_no_detail,
                instance=instance,
                part=link + 2,
                convex=False,
                low_m=low,
                extent_m=extent,
            )
            made.append(LinkItem(item, int(link), pose_matrix(place, turn)))
    return made


def _picture(image: Image | None, color: tuple[int, ...]) -> Any:
    shown = np.full((_PLAIN_PX, _PLAIN_PX, 3), color, np.uint8) if image is None else image
    return lambda: shown


def _no_detail(section: Plain) -> Image:
    raise AssetError(f"robot: expected no roughness or bump texture, got {section}")


def _pieces(kind: int, path: Path, size: tuple[float, ...]) -> list[Piece]:
    if kind == p.GEOM_MESH:
        return list(_file_pieces(path, size))
    fields: dict[int, tuple[str, dict[str, Any]]] = {
        p.GEOM_BOX: ("box", {"size_m": size}),
        p.GEOM_SPHERE: ("sphere", {"radius_m": size[0]}),
        p.GEOM_CYLINDER: ("cylinder", {"radius_m": size[1], "height_m": size[0]}),
        p.GEOM_CAPSULE: ("capsule", {"radius_m": size[1], "height_m": size[0]}),
    }
    if kind not in fields:
        return []  # a plane without end: nothing of finite size to draw
    name, values = fields[kind]
    return [Piece(MODELS[name](**values).mesh(Path()), None)]


@lru_cache(maxsize=256)
def _file_pieces(path: Path, scale: tuple[float, ...]) -> tuple[Piece, ...]:
    import trimesh

    if not path.is_file():
        raise AssetError(f'mesh "{path}": there is no such file')
    try:
        loaded: Any = trimesh.load(path, process=False)
        parts = loaded.dump() if isinstance(loaded, trimesh.Scene) else [loaded]
    except Exception as error:  # trimesh raises whatever its many parsers do
        raise AssetError(f'mesh "{path}": expected a readable mesh, got {type(error).__name__}: {error}') from None
    made = tuple(_piece(part, np.array(scale)) for part in parts if len(getattr(part, "faces", ())))
    count = sum(len(piece.mesh.faces) for piece in made)
    if not 0 < count <= MAX_TRIANGLES:
        raise AssetError(f'mesh "{path}": expected 1 to {MAX_TRIANGLES} triangles, got {count}')
    return made


def _piece(part: Any, scale: NDArray[np.float64]) -> Piece:
    vertices, faces = np.asarray(part.vertices, float) * scale, np.asarray(part.faces, np.int64)
    if scale.prod() < 0:
        faces = faces[:, ::-1]  # a mirrored mesh would be inside out
    colors = _vertex_colors(part)
    if colors is not None:
        return _painted_faces(vertices, faces, colors)
    uv = getattr(part.visual, "uv", None)
    uvs = np.zeros((len(vertices), 2)) if uv is None else np.asarray(uv, float) * (1, -1) + (0, 1)
    image, painted = _material_image(part, uv is not None)
    return Piece(creased(vertices, faces, uvs), image, painted)


def _vertex_colors(part: Any) -> NDArray[np.uint8] | None:
    if getattr(part.visual, "kind", None) not in ("vertex", "face"):
        return None
    return np.asarray(part.visual.vertex_colors, np.uint8)[:, :3]


def _painted_faces(vertices: NDArray[np.float64], faces: NDArray[np.int64], colors: NDArray[np.uint8]) -> Piece:
    """Return a mesh whose faces have the means of their corners' colours, a block of texels each."""
    means = colors[faces].mean(1).round().astype(np.uint8)
    palette, which = np.unique(means, axis=0, return_inverse=True)
    edge = int(np.ceil(np.sqrt(len(palette))))
    image = np.zeros((edge * edge, 3), np.uint8)
    image[: len(palette)] = palette
    place = np.stack([which.reshape(-1) % edge, which.reshape(-1) // edge], 1)
    uvs = np.repeat((place + 0.5) / edge, 3, 0)
    flat = faces.ravel()
    split = np.arange(len(flat), dtype=np.int64).reshape(-1, 3)
    mesh = Mesh(vertices[flat], split, crease_normals(vertices, faces), uvs)
    block = max(1, min(_PLAIN_PX, 2048 // edge))
    return Piece(mesh, np.kron(image.reshape(edge, edge, 3), np.ones((block, block, 1), np.uint8)), painted=True)


def _material_image(part: Any, has_uv: bool) -> tuple[Image | None, bool]:
    material = getattr(part.visual, "material", None)
    image = getattr(material, "image", None)
    if image is None:
        image = getattr(material, "baseColorTexture", None)
    if image is not None and has_uv:
        pixels = np.asarray(image.convert("RGB"), np.uint8)
        if max(pixels.shape[:2]) > 2048:
            scale = 2048 / max(pixels.shape[:2])
            pixels = np.asarray(cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
        return pixels, True
    color = part_color(material)
    if color is None:
        return None, False
    return np.full((_PLAIN_PX, _PLAIN_PX, 3), color, np.uint8), False
