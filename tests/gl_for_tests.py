"""What the tests of the OpenGL renderer share: small scenes, and a reason to skip where there is no OpenGL."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trimesh

from simgen.config import why_no_gl
from simgen.geometry import look_at, transform
from simgen.render import Frame, GlRenderer, camera_matrix
from simgen.scene import CameraSpec, EnvironmentSpec, LampSpec, MaterialSpec, ObjectSpec, SceneSpec
from simgen.world import World

needs_gl = pytest.mark.skipif(why_no_gl() is not None, reason=f"no OpenGL context can be made: {why_no_gl()}")
LAMBERT = MaterialSpec({"kind": "plain", "colors": [(255, 255, 255)]}, specular=0.0, roughness=1.0)
DARK = EnvironmentSpec({"kind": "uniform"}, 0.0)
EV_OF_ONE = float(np.log2(1 / 1.2))
"""The exposure value at which radiance 1 is the brightest that the sensor takes."""


def camera(size: int = 64, **changes: Any) -> CameraSpec:
    """Return a camera that looks straight down on 0.2 m."""
    fields: dict[str, Any] = {
        "size_wh": (size, size),
        "focal_px": (5.0 * size, 5.0 * size),
        "center_px": ((size - 1) / 2, (size - 1) / 2),
        "eye_m": (0.0, 0.0, 1.0),
        "exposure_ev": EV_OF_ONE,
    }
    return CameraSpec(**{**fields, **changes})


def body(name: str, model: dict[str, Any], place: Any, material: MaterialSpec = LAMBERT) -> ObjectSpec:
    return ObjectSpec(name, model, material, place)


def floor(material: MaterialSpec = LAMBERT) -> ObjectSpec:
    return body("floor", {"kind": "box", "size_m": (2, 2, 0.02)}, (0, 0, -0.01), material)


def lit(*lamps: LampSpec, material: MaterialSpec = LAMBERT, bodies: tuple[ObjectSpec, ...] = ()) -> SceneSpec:
    return SceneSpec(objects=(floor(material), *bodies), lamps=lamps, environment=None, camera=camera())


def draw(scene: SceneSpec, view: CameraSpec | None = None, renderer: GlRenderer | None = None) -> Frame:
    with World(scene, Path(), visuals=False) as world:
        return (renderer or GlRenderer(occlusion=0.0)).render(world, view or scene.camera)


def radiance(scene: SceneSpec, view: CameraSpec | None = None, renderer: GlRenderer | None = None) -> np.ndarray:
    """Return the (H, W, 3) linear radiance before exposure, as the shader wrote it."""
    from simgen.render.gl.device import device

    view = view or scene.camera
    draw(scene, view, renderer)
    width, height = view.size_wh
    light = np.frombuffer(device().targets.of(view.size_wh).light.read(), np.float32)
    return light.reshape(height, width, 4)[..., :3]


def places_of(frame: Frame, view: CameraSpec) -> np.ndarray:
    """Return the (H, W, 3) points of the world that the pixels show."""
    height, width = frame.depth_m.shape
    u, v = np.meshgrid(np.arange(width), np.arange(height))
    rays = np.stack([u, v, np.ones_like(u)], -1).reshape(-1, 3) @ np.linalg.inv(camera_matrix(view)).T
    world_T_cam = np.linalg.inv(look_at(view.eye_m, view.target_m, view.roll_rad))
    return transform(world_T_cam, rays * frame.depth_m.reshape(-1, 1)).reshape(height, width, 3)


def soup(world: World) -> tuple[trimesh.Trimesh, np.ndarray]:
    """Return all bodies as one mesh in the world, and each face's instance number."""
    pairs = list(zip(world.bodies, world.poses(), strict=True))
    starts = np.cumsum([0, *(len(b.mesh.vertices_m) for b, _ in pairs)])
    points = np.concatenate([transform(pose, b.mesh.vertices_m) for b, pose in pairs])
    faces = np.concatenate([b.mesh.faces + s for (b, _), s in zip(pairs, starts, strict=False)])
    ids = np.concatenate([[n + 1] * len(b.mesh.faces) for n, (b, _) in enumerate(pairs)])
    return trimesh.Trimesh(points, faces, process=False), ids


def caster(mesh: trimesh.Trimesh) -> Any:
    """Return what casts rays at a mesh."""
    embree = pytest.importorskip("trimesh.ray.ray_pyembree", reason="embreex is not installed")
    return embree.RayMeshIntersector(mesh)
