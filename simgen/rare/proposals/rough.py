"""A scene that has come to rest, measured without rendering it: bodies as the convex hulls of their outlines.

Poses are exact, and all attributes of poses and classes with them. Visible fractions, boxes and touching are rough:
hulls are painted from the farthest body to the nearest. Light is not known.
"""

import dataclasses
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from simgen.annotate.view import View
from simgen.config import Config
from simgen.samples import Annotation, Region, Sample
from simgen.scene import SceneSpec, scene_to_dict
from simgen.world import Body, World

Array = NDArray[np.float64]
_NEAREST_M = 1e-4


@dataclasses.dataclass(frozen=True, eq=False)
class Rough:
    """A scene at rest.

    Attributes:
        sample: with the roughly visible labelled bodies; its picture is black.
        hidden: how many labelled bodies in view of which no pixel seems visible.
    """

    sample: Sample
    hidden: int


def settled(config: Config, scene: SceneSpec) -> Rough | None:
    """Let a scene come to rest and measure it; None where it does not.

    Raises:
        AssetError: a mesh is missing or unreadable.
    """
    with World(scene, config.root, config.physics, visuals=False) as world:
        if not world.settle():
            return None
        return measured(world.bodies, world.poses(), scene)


def measured(bodies: Sequence[Body], poses: Sequence[Array], scene: SceneSpec) -> Rough:
    """Measure bodies at their poses world_T_object (4, 4)."""
    view = View.of(scene.camera)
    hulls, depths = _hulls(bodies, poses, view)
    width, height = view.size_wh
    numbers = np.zeros((height, width), np.int32)
    for order in np.argsort(-depths, kind="stable"):
        hull = hulls[order]
        if hull is not None:
            cv2.fillConvexPoly(numbers, np.round(hull).astype(np.int32), int(order) + 1)
    found = []
    hidden = 0
    for order, (body, pose) in enumerate(zip(bodies, poses, strict=True)):
        name = (body.spec.class_name or body.model.class_name(pose[:3, :3])) if body.spec.labelled else None
        if name is None:
            continue
        annotation = _annotation(numbers, order, hulls[order])
        if annotation is None:
            hidden += 1
            continue
        found.append(dataclasses.replace(annotation, class_name=name, cam_T_object=view.cam_T_world @ pose))
    rows = {body.spec.name: pose.ravel().tolist() for body, pose in zip(bodies, poses, strict=True)}
    metadata = {"scene": scene_to_dict(scene), "poses": rows}
    black = np.broadcast_to(np.zeros(3, np.uint8), (height, width, 3))
    return Rough(Sample(0, black, tuple(found), metadata=metadata), hidden)


def _hulls(bodies: Sequence[Body], poses: Sequence[Array], view: View) -> tuple[list[Array | None], Array]:
    """Return the hull of each body's vertices in pixels (m, 2), None behind the camera, and its farthest depth."""
    hulls: list[Array | None] = []
    depths = np.zeros(len(bodies))
    reach = 8.0 * max(view.size_wh)
    for order, (body, pose) in enumerate(zip(bodies, poses, strict=True)):
        turned = view.cam_T_world @ pose
        points = body.mesh.vertices_m @ turned[:3, :3].T + turned[:3, 3]
        depths[order] = points[:, 2].max()
        if points[:, 2].min() <= _NEAREST_M:
            hulls.append(None)
            continue
        pixels = np.clip(view.pixels(points), -reach, reach).astype(np.float32)
        hulls.append(np.asarray(cv2.convexHull(pixels)[:, 0], float))
    return hulls, depths


def _annotation(numbers: NDArray[np.int32], order: int, hull: Array | None) -> Annotation | None:
    if hull is None:
        return None
    height, width = numbers.shape
    low = np.clip(np.floor(hull.min(axis=0)).astype(int) - 1, 0, [width, height])
    high = np.clip(np.ceil(hull.max(axis=0)).astype(int) + 2, 0, [width, height])
    part = numbers[low[1] : high[1], low[0] : high[0]] == order + 1
    if not part.any():
        return None
    region = Region(part, (int(low[0]), int(low[1])), (width, height)).cut()
    outside = bool((hull.min(axis=0) < -0.5).any() or (hull.max(axis=0) > np.array([width, height]) - 0.5).any())
    # OpenCV fills the outline's own pixels, too: half of them lie outside.
    area = cv2.contourArea(hull.astype(np.float32)) + 0.5 * cv2.arcLength(hull.astype(np.float32), closed=True) + 1
    return Annotation(
        "",
        region.box_xyxy(),
        region,
        instance_id=order + 1,
        visible_fraction=min(1.0, float(part.sum()) / max(area, 1.0)),
        truncated=outside,
    )
