"""A lens before any renderer: it draws a wider pinhole picture, and this bends it, image and labels by the same map.

Colours are interpolated; ids, depth, normals and coordinates are taken from the nearest pixel and never blended.
"""

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from simgen.lens import camera_matrix, lens_of, pinhole_around, source_pixels
from simgen.render.frame import Frame
from simgen.scene import CameraSpec

Places = NDArray[np.float32]


def through_lens(camera: CameraSpec, draw: Callable[[CameraSpec], Frame]) -> Frame:
    """Return the frame that a camera sees, given what draws pinhole frames.

    Raises:
        ConfigError: an unknown lens.
        RenderError: a lens that cannot be undone over the image, or sees more than a plane can show.
    """
    if camera.lens is None:
        return draw(camera)
    pinhole = pinhole_around(camera)
    return bent(draw(pinhole), camera, pinhole)


def bent(frame: Frame, camera: CameraSpec, pinhole: CameraSpec) -> Frame:
    """Return the frame of `pinhole_around(camera)` as the camera's lens shows it."""
    places = source_pixels(camera, pinhole)
    column, row = (np.rint(places[..., k]).astype(np.intp) for k in range(2))

    def nearest(image: NDArray[Any] | None) -> NDArray[Any] | None:
        return None if image is None else image[row, column]

    rgb = cv2.remap(frame.rgb, places[..., 0], places[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    flow, seen = _bent_flow(nearest(frame.flow), nearest(frame.flow_visible), places, (camera, pinhole))
    return Frame(
        rgb=np.asarray(rgb, np.uint8),
        depth_m=frame.depth_m[row, column],
        instances=frame.instances[row, column],
        parts=nearest(frame.parts),
        normals=nearest(frame.normals),
        coordinates=nearest(frame.coordinates),
        flow=flow,
        flow_visible=seen,
        amodal=None if frame.amodal is None else frame.amodal[:, row, column],
    )


def _bent_flow(
    flow: NDArray[np.float32] | None,
    seen: NDArray[np.bool_] | None,
    places: Places,
    cameras: tuple[CameraSpec, CameraSpec],
) -> tuple[NDArray[np.float32] | None, NDArray[np.bool_] | None]:
    """Return the flow between pixels of the lens's picture: both ends go through the lens."""
    camera, pinhole = cameras
    lens = lens_of(camera)
    if flow is None or seen is None or lens is None:
        return flow, seen
    ends = ((places + flow).reshape(-1, 2) - pinhole.center_px) / pinhole.focal_px
    landed = (np.column_stack([lens.distort(ends), np.ones(len(ends))]) @ camera_matrix(camera).T)[:, :2]
    width, height = camera.size_wh
    pixels = np.stack(np.meshgrid(np.arange(width), np.arange(height)), -1)
    inside = (np.abs(landed - ((width - 1) / 2, (height - 1) / 2)) < (width / 2, height / 2)).all(1)
    moved = np.where(flow.any(-1, keepdims=True), landed.reshape(height, width, 2) - pixels, 0)
    return moved.astype(np.float32), seen & inside.reshape(height, width)
