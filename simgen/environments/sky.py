"""Daylight: a clear and an overcast sky over a grey ground.

The clear sky is Preetham, Shirley, Smits: A practical analytic model for daylight (SIGGRAPH 1999), after Perez et al.
(1993). The overcast one is the CIE's standard overcast sky (Moon and Spencer 1942), with the zenith luminance of
Krochmann and Seidl (1974).
"""

from pathlib import Path
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from pydantic.dataclasses import dataclass

from simgen.environments.base import Environment, Map, Reflectance, above_floor, direction, directions, horizontal_lux
from simgen.environments.color import rgb_from_xyy
from simgen.scene import STRICT

# Preetham et al., appendix A.2: Perez's A to E as slope and offset over turbidity, for luminance Y and chromaticities.
_PEREZ = {
    "Y": ((0.1787, -1.4630), (-0.3554, 0.4275), (-0.0227, 5.3251), (0.1206, -2.5771), (-0.0670, 0.3703)),
    "x": ((-0.0193, -0.2592), (-0.0665, 0.0008), (-0.0004, 0.2125), (-0.0641, -0.8989), (-0.0033, 0.0452)),
    "y": ((-0.0167, -0.2608), (-0.0950, 0.0092), (-0.0079, 0.2102), (-0.0441, -1.6537), (-0.0109, 0.0529)),
}
# Rows: turbidity squared, turbidity, 1; columns: the sun's zenith angle to the power of 3, 2, 1, 0.
_ZENITH = {
    "x": (
        (0.00166, -0.00375, 0.00209, 0),
        (-0.02903, 0.06377, -0.03202, 0.00394),
        (0.11693, -0.21196, 0.06052, 0.25886),
    ),
    "y": (
        (0.00275, -0.00610, 0.00317, 0),
        (-0.04214, 0.08970, -0.04153, 0.00516),
        (0.15346, -0.26756, 0.06670, 0.26688),
    ),
}


@dataclass(frozen=True, config=STRICT)
class Sky(Environment):
    """A sky that is clear, overcast, or between; with `intensity: null` in absolute cd/m^2.

    Attributes:
        sun_elevation_rad: height of the sun over the horizon, 0 to pi/2.
        sun_azimuth_rad: from the world's +x towards +y.
        turbidity: haze, 2 (very clear) to 10 (hazy).
        overcast: share of the overcast sky, 0 to 1.
        sun_share: share of the horizontal light that comes from the sun's disc; 0 leaves it out, e.g. where a
            directional lamp stands for it (only a lamp casts sharp shadows).
        sun_size_rad: diameter at which the disc is drawn; the real 0.0093 is smaller than a pixel of the map.
        ground: reflectance of the ground, rgb.
    """

    sun_elevation_rad: Annotated[float, Field(ge=0, le=np.pi / 2)] = 0.8
    sun_azimuth_rad: float = 0.0
    turbidity: Annotated[float, Field(ge=2, le=10)] = 3.0
    overcast: Annotated[float, Field(ge=0, le=1)] = 0.0
    sun_share: Annotated[float, Field(ge=0, lt=1)] = 0.0
    sun_size_rad: Annotated[float, Field(gt=0, le=1)] = 0.1
    ground: Reflectance = (0.2, 0.2, 0.2)

    def radiance(self, root: Path) -> Map:
        """Return the map in cd/m^2 (H, 2H, 3)."""
        parts = [(1 - self.overcast, self._clear), (self.overcast, self._overcast)]
        sky = np.maximum(sum(share * draw() for share, draw in parts if share > 0), 0)
        if self.sun_share > 0:
            sky = sky + self._sun(horizontal_lux(np.concatenate([sky, sky])))
        return above_floor(sky, self.ground)

    def _rays(self) -> NDArray[np.float64]:
        return directions(self.height_px)[: self.height_px // 2]

    def _clear(self) -> NDArray[np.float64]:
        ray = self._rays()
        sun = direction(self.sun_elevation_rad, self.sun_azimuth_rad)
        from_sun = np.arccos(np.clip(ray @ sun, -1, 1))
        above, sun_zenith = np.maximum(ray[..., 2], 0.02), np.pi / 2 - self.sun_elevation_rad
        ratio = {
            name: _perez(name, self.turbidity, above, from_sun)
            / _perez(name, self.turbidity, np.ones(()), np.array(sun_zenith))
            for name in _PEREZ
        }
        chi = (4 / 9 - self.turbidity / 120) * (np.pi - 2 * sun_zenith)
        zenith = (4.0453 * self.turbidity - 4.9710) * np.tan(chi) - 0.2155 * self.turbidity + 2.4192
        powers_t = np.array([self.turbidity**2, self.turbidity, 1])
        powers_s = np.array([sun_zenith**3, sun_zenith**2, sun_zenith, 1])
        x, y = (ratio[name] * (powers_t @ np.array(_ZENITH[name]) @ powers_s) for name in "xy")
        return rgb_from_xyy(x, y, 1000 * max(float(zenith), 0.1) * ratio["Y"])

    def _overcast(self) -> NDArray[np.float64]:
        zenith = 123 + 8600 * np.sin(self.sun_elevation_rad)
        above = self._rays()[..., 2:]
        return np.asarray(zenith * (1 + 2 * above) / 3 * np.ones(3))

    def _sun(self, sky_lux: float) -> NDArray[np.float64]:
        """Return the disc (H/2, 2H, 3), with an edge of a pixel or two, as bright as its share asks for."""
        from_sun = np.arccos(np.clip(self._rays() @ direction(self.sun_elevation_rad, self.sun_azimuth_rad), -1, 1))
        disc = np.clip((self.sun_size_rad / 2 - from_sun) / (2 * np.pi / self.height_px) + 0.5, 0, 1)
        grey = np.repeat(disc[..., None], 3, -1)
        lux = horizontal_lux(np.concatenate([grey, grey]))
        wanted = sky_lux * self.sun_share / (1 - self.sun_share)
        return np.asarray(grey * (wanted / lux if lux > 0 else 0.0))


def _perez(
    name: str, turbidity: float, cos_zenith: NDArray[np.float64], from_sun: NDArray[np.float64]
) -> NDArray[np.float64]:
    a, b, c, d, e = (slope * turbidity + offset for slope, offset in _PEREZ[name])
    return np.asarray((1 + a * np.exp(b / cos_zenith)) * (1 + c * np.exp(d * from_sun) + e * np.cos(from_sun) ** 2))
