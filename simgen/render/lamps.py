"""Lamps in physical units, as numbers that a shader adds up. Pure.

Photometry: a lamp of F lumens that shines all around has F / 4 pi candela; a rectangle that shines to one side as
Lambert's law says has the luminance F / (pi A); a surface that faces a directional lamp has its lux.
"""

import numpy as np
from numpy.typing import NDArray

from simgen.environments import linear_from_srgb, temperature_rgb
from simgen.scene import LampSpec, LightSpec

KINDS = ("directional", "point", "spot", "area")
Array = NDArray[np.float64]


def axes_of(lamp: LampSpec) -> tuple[Array, Array, Array]:
    """Return unit vectors: the width, the height and the direction of a lamp (right-handed)."""
    ahead = np.asarray(lamp.direction, float)
    ahead = ahead / max(float(np.linalg.norm(ahead)), 1e-12)
    across = np.cross([0.0, 0.0, 1.0] if abs(ahead[2]) < 0.99 else [0.0, 1.0, 0.0], ahead)
    across /= np.linalg.norm(across)
    down = np.cross(ahead, across)
    cos, sin = np.cos(lamp.roll_rad), np.sin(lamp.roll_rad)
    return cos * across + sin * down, cos * down - sin * across, ahead


def lamp_rows(lamp: LampSpec, channel: int) -> Array:
    """Return the lamp as (5, 4) numbers for the shader.

    Rows: place (or the direction towards it) and kind; rgb of lux, candela or luminance, and the radius (of
    "directional" its tangent); direction and cosine of the outer cone; half the width's vector and cosine of the inner
    cone; half the height's vector and the channel of its visibility (-1: no shadow).
    """
    across, down, ahead = axes_of(lamp)
    rows = np.zeros((5, 4))
    rows[0] = *(-ahead if lamp.kind == "directional" else lamp.position_m), KINDS.index(lamp.kind)
    rows[1, :3] = strength(lamp) * temperature_rgb(lamp.temperature_k) * lamp.color
    rows[1, 3] = np.tan(lamp.angle_rad / 2) if lamp.kind == "directional" else lamp.size_m[0] / 2
    rows[2] = *ahead, np.cos(lamp.angle_rad / 2)
    rows[3] = *(across * lamp.size_m[0] / 2), _inner_cosine(lamp)
    rows[4] = *(down * lamp.size_m[1] / 2), channel
    return rows


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
