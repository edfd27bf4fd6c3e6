"""Lamps in physical units, as numbers that a shader adds up. Pure.

Photometry: a lamp of F lumens that shines all around has F / 4 pi candela; a rectangle that shines to one side as
Lambert's law says has the luminance F / (pi A); a surface that faces a directional lamp has its lux.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from simgen.environments import linear_from_srgb, temperature_rgb
from simgen.geometry import cross
from simgen.scene import LampSpec, LightSpec

Array = NDArray[np.float64]
KEPT = 64
"""Lamps whose numbers are kept: each frame asks several times."""


@lru_cache(KEPT)
def axes_of(lamp: LampSpec) -> tuple[Array, Array, Array]:
    """Return unit vectors: the width, the height and the direction of a lamp (right-handed)."""
    ahead = np.asarray(lamp.direction, float)
    ahead = ahead / max(float(np.sqrt(ahead @ ahead)), 1e-12)
    x, y, z = ahead.tolist()
    across = np.array([-y, x, 0.0]) if abs(z) < 0.99 else np.array([z, 0.0, -x])
    across /= np.sqrt(across @ across)
    down = cross(ahead, across)
    cos, sin = np.cos(lamp.roll_rad), np.sin(lamp.roll_rad)
    return _fixed(cos * across + sin * down), _fixed(cos * down - sin * across), _fixed(ahead)


def _fixed(array: Array) -> Array:
    """Return an array that cannot be written to: whoever asks next gets the same."""
    array.flags.writeable = False
    return array


@lru_cache(KEPT)
def small_rows(lamp: LampSpec) -> Array:
    """Return a directional lamp, a point or a spot as (3, 4) numbers for the shader.

    Rows: place and 1, or direction towards the lamp and 0; rgb of lux or candela, and the radius (of "directional" its
    tangent); the cone, as the share of light that a direction d towards the lamp gets before smoothing, d . xyz + w.
    """
    ahead = axes_of(lamp)[2]
    far = lamp.kind == "directional"
    rows = np.zeros((3, 4))
    rows[0] = *(-ahead if far else lamp.position_m), float(not far)
    rows[1] = *_rgb(lamp), np.tan(lamp.angle_rad / 2) if far else lamp.size_m[0] / 2
    rows[2, 3] = 1
    if lamp.kind == "spot":
        outer = float(np.cos(lamp.angle_rad / 2))
        fade = _inner_cosine(lamp) - outer
        rows[2] = *(-ahead / fade), -outer / fade
    return _fixed(rows)


@lru_cache(KEPT)
def area_rows(lamp: LampSpec) -> Array:
    """Return a rectangle as (4, 4) numbers for the shader.

    Columns 0 to 2: its place, rgb of its luminance, half its width and half its height as vectors; column 3: the
    direction in which it shines, and the radius of the disc of the same area.
    """
    across, down, ahead = axes_of(lamp)
    width, height = lamp.size_m
    rows = np.zeros((4, 4))
    rows[:, :3] = lamp.position_m, _rgb(lamp), across * width / 2, down * height / 2
    rows[:, 3] = *ahead, np.sqrt(width * height / np.pi)
    return _fixed(rows)


def _rgb(lamp: LampSpec) -> Array:
    return np.asarray(strength(lamp) * temperature_rgb(lamp.temperature_k) * lamp.color)


def _inner_cosine(lamp: LampSpec) -> float:
    outer = float(np.cos(lamp.angle_rad / 2))
    return float(max(np.cos(lamp.angle_rad / 2 * (1 - lamp.softness)), outer + 1e-4))


def strength(lamp: LampSpec) -> float:
    """Return lux (directional), candela (point; spot on its axis) or candela per square metre (area)."""
    if lamp.kind == "directional":
        return lamp.intensity
    if lamp.kind == "point":
        return lamp.intensity / (4 * np.pi)
    if lamp.kind == "area":
        return float(lamp.intensity / (np.pi * max(lamp.size_m[0] * lamp.size_m[1], 1e-12)))
    # The edge fades with a smooth step of the cosine, whose mean is a half.
    inner, outer = _inner_cosine(lamp), float(np.cos(lamp.angle_rad / 2))
    return float(lamp.intensity / (2 * np.pi * max(1 - (inner + outer) / 2, 1e-6)))


def simple_lamp(light: LightSpec) -> LampSpec:
    """Return the directional lamp that a scene's simple light stands for.

    In a simple renderer a white surface shows `ambient + diffuse` on the screen, and `ambient` in the shadow. Light is
    added up before the screen's curve here, so the lamp gives what is missing between the two.
    """
    share = linear_from_srgb(light.ambient + light.diffuse) - linear_from_srgb(light.ambient)
    towards = np.asarray(light.direction, float)
    color = linear_from_srgb(np.asarray(light.color, float))
    return LampSpec(
        kind="directional",
        intensity=float(np.pi * share),
        color=(float(color[0]), float(color[1]), float(color[2])),
        direction=(float(-towards[0]), float(-towards[1]), float(-towards[2])),
        angle_rad=0.02,
        shadow=light.shadow,
    )
