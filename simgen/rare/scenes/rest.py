"""Scenes as they came to rest, and what physics alone says of a scene."""

import dataclasses
from typing import Any

import numpy as np

from simgen.config import Config
from simgen.errors import DataError
from simgen.geometry import quat_from_rotation
from simgen.samples import Sample
from simgen.scene import SceneSpec, scene_from_dict, scene_to_dict
from simgen.world import World

_LOST_M = -0.05
_STILL = (0.0, 0.0, 0.0)


def scene_of(metadata: dict[str, Any], where: str = "sample") -> SceneSpec:
    """Return the scene of a sample's metadata. Raises `DataError` if there is none that can be read."""
    if not isinstance(metadata.get("scene"), dict):
        raise DataError(f'{where}: expected "scene" in its metadata, as simgen generate writes it, found none')
    try:
        return scene_from_dict(metadata["scene"])
    except ValueError as error:
        raise DataError(f'{where}: its "scene" cannot be read: {str(error).splitlines()[0]}') from None


def at_rest(metadata: dict[str, Any], where: str = "sample") -> SceneSpec:
    """Return the scene of a sample with its bodies where they settled, still.

    How a body fell decides little of a rare event, where it came to lie decides most: a net that learns from scenes at
    rest need not learn to throw. What fell off the table is left out. Raises `DataError` for metadata without poses.
    """
    scene, poses = scene_of(metadata, where), metadata.get("poses")
    if not isinstance(poses, dict):
        raise DataError(f'{where}: expected "poses" in its metadata, as simgen generate writes it, found none')
    bodies = []
    for body in scene.objects:
        pose = np.array(poses.get(body.name, np.eye(4)), float).reshape(4, 4)
        if body.mass_kg <= 0:
            bodies.append(body)
        elif pose[2, 3] > _LOST_M:
            x, y, z = pose[:3, 3].round(6).tolist()
            qx, qy, qz, qw = quat_from_rotation(pose[:3, :3]).round(6).tolist()
            placed = dataclasses.replace(body, position_m=(x, y, z), quat_xyzw=(qx, qy, qz, qw))
            bodies.append(dataclasses.replace(placed, linear_velocity_m_s=_STILL, angular_velocity_rad_s=_STILL))
    return dataclasses.replace(scene, objects=tuple(bodies))


def settled(config: Config, scene: SceneSpec) -> Sample | None:
    """Return a sample without a picture: the scene and its settled poses; None if it does not come to rest.

    It takes a fraction of the time of `simgen.generate.render_scene`, and is enough for predicates of poses.
    """
    with World(scene, config.root, config.physics, visuals=False) as world:
        if not world.settle():
            return None
        names = [body.spec.name for body in world.bodies]
        poses = {name: pose.round(9).ravel().tolist() for name, pose in zip(names, world.poses(), strict=True)}
    metadata = {"scene": scene_to_dict(scene), "poses": poses}
    return Sample(0, np.zeros((0, 0, 3), np.uint8), (), metadata=metadata)
