"""What each lamp's shadow map covers: the part of the scene that the camera sees, as seen from the lamp. Pure."""

from dataclasses import dataclass

import numpy as np

from simgen.geometry import cross
from simgen.render.gl.view import Boxes, nearest_box
from simgen.render.lamps import Array, axes_of
from simgen.scene import LampSpec

WIDEST = 3.0
"""Tangent of the widest half angle of one map; what lies further out needs six."""
NORMAL_OFFSET = 0.6
"""Texels by which a place is lifted off its surface before it is looked up, so that it does not shade itself."""
DISC = float(np.sqrt(1 / np.pi))
"""Half axes of the ellipse that a lamp's rectangle counts as, over its sides: their areas are the same."""
_FACES = (
    # ahead, across of the six maps around a lamp; the shader's face_of knows the order
    ((0, 0, -1), (1, 0, 0)),
    ((0, 0, 1), (1, 0, 0)),
    ((1, 0, 0), (0, 1, 0)),
    ((-1, 0, 0), (0, 1, 0)),
    ((0, 1, 0), (1, 0, 0)),
    ((0, -1, 0), (1, 0, 0)),
)


@dataclass(frozen=True, eq=False)
class ShadowView:
    """One map.

    Attributes:
        clip_T_world: (4, 4) into OpenGL's clip space.
        kernel: (4,) the lamp's half size along the map's axes in texture coordinates (perspective: at distance 1 of a
            blocker at distance 1; orthographic: for the reach of casters), a texel, the normal's offset.
        ranges: (4,) near and far in metres (0, 0 for orthographic), the casters' reach, the depth's extent.
    """

    clip_T_world: Array
    kernel: tuple[float, float, float, float]
    ranges: tuple[float, float, float, float]


@dataclass(frozen=True, eq=False)
class Region:
    """What must be in a shadow map.

    Attributes:
        seen_m: (n, 3) points around what the camera sees.
        boxes: the items': what can cast a shadow.
        reach_m: how far above what it shades a caster may stand.
    """

    seen_m: Array
    boxes: Boxes
    reach_m: float


def region_of(boxes: Boxes, poses: Array, low_m: Array, extent_m: Array, rays: tuple[Array, Array]) -> Region:
    """Return the region that a camera sees.

    Args:
        boxes: the items' in the world.
        poses: (m, 4, 4) world_T_item.
        low_m: (m, 3) lower corners of the boxes, in the items' frames.
        extent_m: (m, 3) sizes.
        rays: the eye (3,) and directions (r, 3) of rays over the picture.
    """
    eye, directions = rays
    turns = poses[:, :3, :3]
    start = np.einsum("mji,mj->im", turns, eye - poses[:, :3, 3]) - low_m.T
    along = np.moveaxis(turns, 2, 0) @ directions.T  # (3, m, r)
    along = np.where(np.abs(along) < 1e-12, 1e-12, along)
    one, two = -start[..., None] / along, (extent_m.T - start)[..., None] / along
    enter, leave = np.minimum(one, two).max(0), np.maximum(one, two).min(0)
    hit = (leave > np.maximum(enter, 0)) & (leave > 0)
    t = np.concatenate([np.maximum(enter, 0)[hit], leave[hit]])
    which = np.concatenate([np.nonzero(hit)[1]] * 2)
    points = eye + t[:, None] * directions[which]
    # Small items lie between the rays: those near what was hit are taken whole.
    corners_m, sizes, middle = boxes.corners_m, boxes.size_m, boxes.middle_m
    heap = corners_m.reshape(-1, 3)
    if len(points):
        low, high = _bounds(points)
        close = ((middle > low - sizes[:, None]) & (middle < high + sizes[:, None])).all(1)
        whole = (high - low).max()
        heap = np.concatenate([points, corners_m[close & (sizes < 2 * whole)].reshape(-1, 3)])
        points = np.concatenate([points, corners_m[close & (sizes < whole)].reshape(-1, 3)])
    else:
        points = heap
    # Things stand on something: what casts a shadow is seldom further from it than all that is near is thick.
    lowest, highest = _bounds(heap)
    return Region(points, boxes, 1.5 * float((highest - lowest).min()))


def _bounds(points: Array) -> tuple[Array, Array]:
    """Return the lowest and the highest coordinates of points (n, 3): a column at once is ten times as fast."""
    return np.array([c.min() for c in points.T]), np.array([c.max() for c in points.T])


def shadow_views(lamp: LampSpec, region: Region, map_px: int) -> list[ShadowView]:
    """Return the one map of a lamp, or six where it stands amid what it shines on."""
    if lamp.kind == "directional":
        return [_orthographic(lamp, region, map_px)]
    place = np.asarray(lamp.position_m, float)
    across, down, ahead = axes_of(lamp)
    if lamp.kind != "area":
        ahead = region.seen_m.mean(0) - place
        ahead /= max(float(np.sqrt(ahead @ ahead)), 1e-9)
        across = cross((0.0, 0.0, 1.0) if abs(ahead[2]) < 0.9 else (0.0, 1.0, 0.0), ahead)
        across /= np.sqrt(across @ across)
        down = cross(ahead, across)
    axes = np.array([across, down, ahead])
    seen = (region.seen_m - place) @ axes.T
    tangents = seen[:, :2] / np.maximum(seen[:, 2:], 1e-9)
    half = (lamp.size_m[0] / 2,) * 2
    if lamp.kind == "area":
        half = (lamp.size_m[0] * DISC, lamp.size_m[1] * DISC)
    if lamp.kind == "point" and np.abs(tangents).max() > WIDEST:
        whole = np.array([[-1.03, -1.03], [1.03, 1.03]])
        faces = [np.array([a, cross(f, a), f], float) for f, a in _FACES]
        return [_perspective(place, face, whole, half, region, map_px) for face in faces]
    ahead_of = tangents[seen[:, 2] > 0] if (seen[:, 2] > 0).any() else np.array([[-1.0, -1], [1, 1]])
    low, high = (np.minimum(np.maximum(edge, -WIDEST), WIDEST) for edge in _bounds(ahead_of))
    if lamp.kind == "spot":
        edge = float(np.tan(min(lamp.angle_rad / 2, 1.25)))
        aim = axes @ axes_of(lamp)[2]
        if aim[2] > 0.999:
            low, high = np.maximum(low, -edge - 0.05), np.minimum(high, edge + 0.05)
    margin = 0.02 * (high - low) + 1e-3
    return [_perspective(place, axes, np.array([low - margin, high + margin]), half, region, map_px)]


def _perspective(
    place: Array, axes: Array, tangents: Array, half_m: tuple[float, float], region: Region, map_px: int
) -> ShadowView:
    depth = (region.boxes.corners_m.reshape(-1, 3) - place) @ axes[2]
    far = max(float(depth.max()) * 1.01, 1e-3)
    near = max(nearest_box(place, region.boxes) * 0.9, 2e-3 * far)
    (left, top), (right, bottom) = tangents
    clip = np.zeros((4, 4))
    clip[0] = 2 / (right - left), 0, -(right + left) / (right - left), 0
    clip[1] = 0, 2 / (bottom - top), -(bottom + top) / (bottom - top), 0
    clip[2, 2:] = (far + near) / (far - near), -2 * far * near / (far - near)
    clip[3, 2] = 1
    lamp_T_world = np.eye(4)
    lamp_T_world[:3, :3], lamp_T_world[:3, 3] = axes, -axes @ place
    scale = 1 / (right - left), 1 / (bottom - top)
    texel_m = max(right - left, bottom - top) / map_px
    kernel = (half_m[0] * scale[0], half_m[1] * scale[1], 1 / map_px, NORMAL_OFFSET * texel_m)
    return ShadowView(clip @ lamp_T_world, kernel, (near, far, region.reach_m, 0.0))


def _orthographic(lamp: LampSpec, region: Region, map_px: int) -> ShadowView:
    axes = np.array(axes_of(lamp))
    seen = region.seen_m @ axes.T
    depth = region.boxes.corners_m.reshape(-1, 3) @ axes[2]
    low, high = _bounds(seen)
    margin = 0.02 * (high - low)[:2] + 1e-4
    low[:2], high[:2] = low[:2] - margin, high[:2] + margin
    low[2], high[2] = depth.min() - 1e-3, depth.max() + 1e-3
    size = high - low
    clip = np.eye(4)
    clip[:3, :3] = (2 / size)[:, None] * axes
    clip[:3, 3] = -(high + low) / size
    tangent = float(np.tan(lamp.angle_rad / 2))
    kernel = (
        tangent * region.reach_m / size[0],
        tangent * region.reach_m / size[1],
        1 / map_px,
        NORMAL_OFFSET * float(max(size[:2])) / map_px,
    )
    return ShadowView(clip, kernel, (0.0, 0.0, region.reach_m, float(size[2])))
