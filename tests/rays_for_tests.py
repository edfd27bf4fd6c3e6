"""What a camera sees, by rays that never saw a projection: undistorted pixels into PyBullet."""

import numpy as np

from simgen.annotate import View
from simgen.bullet import p
from simgen.geometry import transform
from simgen.lens import build_lens
from simgen.render import Frame
from simgen.scene import CameraSpec
from simgen.world import World


def ray_frame(world: World, camera: CameraSpec) -> Frame:
    """Return ids and depth by casting a ray through every pixel's centre."""
    view = View.of(camera)
    width, height = camera.size_wh
    u, v = (a.ravel() for a in np.meshgrid(np.arange(width), np.arange(height)))
    xy = (np.stack([u, v, np.ones_like(u)], 1) @ np.linalg.inv(view.matrix).T)[:, :2]
    if camera.lens is not None:
        xy = build_lens(camera.lens).undistort(xy)
    world_T_cam = np.linalg.inv(view.cam_T_world)
    ends = transform(world_T_cam, 2 * np.column_stack([xy, np.ones(len(xy))]))
    start = world_T_cam[:3, 3].tolist()
    hits = [
        h
        for part in np.array_split(ends, 4)
        for h in p.rayTestBatch([start] * len(part), part.tolist(), physicsClientId=world.client)
    ]
    ids = np.array([h[0] for h in hits]) + 1
    depth = np.where(ids > 0, [2 * h[2] for h in hits], 0)
    shape = (height, width)
    rgb = np.zeros((*shape, 3), np.uint8)
    return Frame(rgb, depth.reshape(shape).astype(np.float32), ids.reshape(shape).astype(np.int32))
