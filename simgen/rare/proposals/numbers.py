"""A drawn scene as a few numbers that its looks and its crowding depend on."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simgen.randomize.lamps import lux_at_origin
from simgen.rare.looks import luma
from simgen.scene import ObjectSpec, Plain, SceneSpec

Array = NDArray[np.float64]
_FAR_M = 1.0


def scene_numbers(scene: SceneSpec) -> Array:
    """Return the (S,) numbers of a scene: its light, camera, sensor, ground and crowding; brightness in logarithms."""
    light, camera, sensor = scene.light, scene.camera, scene.sensor
    up = light.direction[2] / max(math.hypot(*light.direction), 1e-9)
    tint = sum(light.color) / 3
    lux = lux_at_origin(scene) or 1.0
    away = np.subtract(camera.eye_m, camera.target_m)
    distance = float(np.linalg.norm(away))
    labelled = [body for body in scene.objects if body.labelled]
    moving = [body for body in scene.objects if body.mass_kg > 0]
    places = _places(moving)
    return np.array(
        [
            light.ambient,
            light.diffuse * up,
            light.specular,
            math.log(max(light.ambient * tint + light.diffuse * tint * max(up, 0), 1e-3)),
            float(light.shadow),
            math.log(lux),
            0.0 if camera.exposure_ev is None else math.log2(lux / 2.5) - camera.exposure_ev,
            math.log(max(sensor.exposure * sum(sensor.white_balance) / 3, 1e-3)),
            math.log(sensor.gamma),
            sensor.vignette,
            sensor.blur_px,
            math.log(distance),
            math.log(camera.focal_px[0] / camera.size_wh[0]),
            float(away[2]) / distance,
            math.log(_ground(scene) + 5),
            math.log(_brightness(scene.background) + 5),
            float(sum(body.mass_kg <= 0 for body in scene.objects)),
            math.log1p(len(labelled)),
            math.log1p(len(moving)),
            math.log(float(places.std(axis=0).mean()) + 0.005),
            math.log(float(np.median(_nearest(places))) + 0.002),
            float(np.mean([math.log(body_luma(body) + 5) for body in labelled])) if labelled else 0.0,
        ]
    )


def object_numbers(scene: SceneSpec) -> Array:
    """Return the (n, O) numbers of a scene's objects: brightness, size, place, and how far the nearest other falls."""
    places = _places(scene.objects)
    moving = [order for order, body in enumerate(scene.objects) if body.mass_kg > 0]
    gaps = np.full(len(scene.objects), _FAR_M)
    gaps[moving] = _nearest(places[moving])
    rows = [
        (
            math.log(body_luma(body) + 5),
            _size_m(body),
            float(np.hypot(*place)),
            math.log(gap + 0.002),
            body.position_m[2],
        )
        for body, place, gap in zip(scene.objects, places, gaps, strict=True)
    ]
    return np.array(rows, float).reshape(-1, 5)


def body_luma(body: ObjectSpec) -> float:
    """Return the mean luma, 0 to 255, of the colours of a body's texture."""
    return _brightness(body.material.texture)


def _brightness(texture: Plain | None) -> float:
    colors: Sequence[Sequence[float]] = (texture or {}).get("colors") or ((128, 128, 128),)
    return float(np.mean(luma(np.asarray(colors))))


def _ground(scene: SceneSpec) -> float:
    """Return the luma of the last fixed box that lies under the origin: the table, or the floor of a tray on it."""
    found = 128.0
    for body in scene.objects:
        size: Any = body.model.get("size_m")
        if body.mass_kg > 0 or body.model.get("kind") != "box" or size is None:
            continue
        if all(abs(place) <= side / 2 for place, side in zip(body.position_m[:2], size[:2], strict=True)):
            found = body_luma(body)
    return found


def _size_m(body: ObjectSpec) -> float:
    size: Any = body.model.get("size_m", body.model.get("scale", 0.0))
    return float(np.max(size)) if isinstance(size, int | float | list | tuple) else 0.0


def _places(bodies: Sequence[ObjectSpec]) -> Array:
    return np.array([body.position_m[:2] for body in bodies], float).reshape(-1, 2) if bodies else np.zeros((1, 2))


def _nearest(places: Array) -> Array:
    if len(places) < 2:
        return np.full(len(places), _FAR_M)
    gaps = np.linalg.norm(places[:, None] - places[None], axis=-1)
    np.fill_diagonal(gaps, np.inf)
    return np.asarray(gaps.min(axis=1))
