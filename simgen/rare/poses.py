"""How an object lies and is seen: out of its pose in the camera's frame, and of the sampled scene around it."""

import numpy as np
from numpy.typing import NDArray

from simgen.geometry import rotation_from_quat
from simgen.samples import Sample

Array = NDArray[np.float64]
_AXES = "xyz"
SIDES = tuple(f"{sign}{axis}" for axis in _AXES for sign in "+-")
"""What `view_side` may be."""


def view_side(sample: Sample, place: int) -> str | None:
    """Return the axis of the object's frame, with its sign, that points most towards the camera."""
    seen = _direction(sample, place)
    if seen is None:
        return None
    axis = int(np.argmax(np.abs(seen)))
    return f"{'+' if seen[axis] > 0 else '-'}{_AXES[axis]}"


def view_tilt_deg(sample: Sample, place: int) -> float | None:
    """Return the angle between that axis and the line of sight: 0 is seen straight on."""
    seen = _direction(sample, place)
    return None if seen is None else float(np.degrees(np.arccos(min(np.abs(seen).max(), 1.0))))


def yaw_deg(sample: Sample, place: int) -> float | None:
    """Return the direction in the picture (0 = right, 90 = down) of the axis that follows on that one, x after z."""
    pose, seen = sample.annotations[place].cam_T_object, _direction(sample, place)
    if pose is None or seen is None:
        return None
    across = pose[:3, (int(np.argmax(np.abs(seen))) + 1) % 3]
    return float(np.degrees(np.arctan2(across[1], across[0])))


def _direction(sample: Sample, place: int) -> Array | None:
    """Return the unit vector (3,) from the object to the camera in the object's frame."""
    pose = sample.annotations[place].cam_T_object
    if pose is None:
        return None
    away = -pose[:3, :3].T @ pose[:3, 3]
    return np.asarray(away / max(float(np.linalg.norm(away)), 1e-12))


def lean_deg(sample: Sample, place: int) -> float | None:
    """Return the angle between the vertical and the axis of the object that is nearest to it."""
    pose = world_pose(sample, place)
    if pose is None:
        return None
    return float(np.degrees(np.arccos(min(float(np.abs(pose[2, :3]).max()), 1.0))))


def wall_gap_m(sample: Sample, place: int) -> float | None:
    """Return the horizontal distance from the object's centre to the nearest fixed box beside it, infinite without one.

    A box is beside it if its top is higher than half of the centre's height: walls are, the table is not.
    """
    pose = world_pose(sample, place)
    if pose is None:
        return None
    gaps = [_gap(pose[:3, 3], body) for body in sample.metadata["scene"]["objects"] if _is_fixed_box(body)]
    return min((gap for gap in gaps if gap is not None), default=NOWHERE_M)


NOWHERE_M = 1e3
"""How far a wall is that is not there."""


def _is_fixed_box(body: dict[str, object]) -> bool:
    model = body["model"]
    return not body.get("mass_kg") and isinstance(model, dict) and model.get("kind") == "box"


def _gap(center_m: Array, body: dict[str, object]) -> float | None:
    model, place = body["model"], np.asarray(body["position_m"], float)
    assert isinstance(model, dict)
    half = np.asarray(model["size_m"], float) / 2
    turn = rotation_from_quat(body["quat_xyzw"])  # type: ignore[arg-type]
    top = place[2] + float(np.abs(turn[2]) @ half)
    if top <= 0.5 * center_m[2]:
        return None
    inside = turn.T @ (center_m - place)
    inside[2] = 0.0
    return float(np.linalg.norm(np.maximum(np.abs(inside[:2]) - half[:2], 0)))


def world_pose(sample: Sample, place: int) -> Array | None:
    """Return world_T_object (4, 4) of an annotation's body as the sample's metadata have it, else None."""
    objects = sample.metadata.get("scene", {}).get("objects", ())
    number = sample.annotations[place].instance_id
    if not 0 < number <= len(objects):
        return None
    numbers = sample.metadata.get("poses", {}).get(objects[number - 1]["name"])
    return None if numbers is None else np.array(numbers, float).reshape(4, 4)
