"""Lenses: where a ray that passes through (x, y) of the plane z = 1 lands on it after distortion, and back.

A camera is: point in camera axes -> (x, y) = (X/Z, Y/Z) -> `Lens.distort` -> `camera_matrix` -> pixel. Coefficients
are OpenCV's, in OpenCV's order. A distortion polynomial folds back beyond some radius; outside the `reach` of a lens it
goes on along a straight line instead, so that what lies outside the image never lands inside it.
"""

from dataclasses import replace
from typing import Annotated, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import Field
from pydantic.dataclasses import dataclass

from simgen.errors import ConfigError, RenderError
from simgen.registry import build
from simgen.scene import STRICT, CameraSpec, Plain

Array = NDArray[np.float64]
Coefficient = Annotated[float, Field(ge=-100, le=100)]
_FARTHEST = np.tan(np.deg2rad(85))
"""No ray is farther from the axis than this: a renderer draws a plane."""
_BEYOND_SLOPE = 0.1
MAX_GROWTH = 4


class Lens:
    """A distortion model: frozen data; a subclass gives `_bend` and `_slopes`."""

    names: ClassVar[tuple[str, ...]]

    def coefficients(self) -> tuple[float, ...]:
        """Return the coefficients in OpenCV's order."""
        return tuple(float(getattr(self, name)) for name in self.names)

    def distort(self, xy: ArrayLike) -> Array:
        """Return where the rays through (n, 2) points of the plane z = 1 land on it."""
        points = np.asarray(xy, float).reshape(-1, 2)
        reach = self.reach()
        radius = np.linalg.norm(points, axis=1, keepdims=True)
        inner = points * np.minimum(1, reach / np.maximum(radius, 1e-12))
        return np.asarray(self._bend(inner) + _BEYOND_SLOPE * (points - inner))

    def undistort(self, xy: ArrayLike) -> Array:
        """Return the (n, 2) points of the plane z = 1 whose rays land on the given ones (Newton's method).

        Raises:
            RenderError: a point that no ray within the lens' reach lands on.
        """
        wanted = np.asarray(xy, float).reshape(-1, 2)
        found, lost = self._solve(wanted)
        if lost.any():
            x, y = wanted[np.flatnonzero(lost)[0]]
            raise RenderError(f"lens: expected a distortion that can be undone, got none at ({x:.3f}, {y:.3f})")
        return found

    def reach(self) -> float:
        """Return the largest distance from the axis, on the plane z = 1, up to which `_bend` moves outwards."""
        raise TypeError(f"{type(self).__name__} has no reach")

    def _bend(self, xy: Array) -> Array:
        raise TypeError(f"{type(self).__name__} bends nothing")

    def _slopes(self, xy: Array) -> Array:
        """Return the Jacobian (n, 2, 2) of `_bend`."""
        raise TypeError(f"{type(self).__name__} bends nothing")

    def _solve(self, wanted: Array) -> tuple[Array, NDArray[np.bool_]]:
        """Return the solutions and which of them are none."""
        reach = self.reach()
        found = wanted * np.minimum(1, reach / np.maximum(np.linalg.norm(wanted, axis=1, keepdims=True), 1e-12))
        for _ in range(50):
            miss = wanted - self._bend(found)
            if np.abs(miss).max(initial=0) < 1e-12:
                break
            found = found + _solved(self._slopes(found), miss)
            found *= np.minimum(1, reach / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-12))
        miss = np.linalg.norm(wanted - self._bend(found), axis=1)
        folded = np.linalg.det(self._slopes(found)) <= 0
        return found, (miss > 1e-9 * (1 + np.linalg.norm(wanted, axis=1))) | folded


@dataclass(frozen=True, config=STRICT)
class Brown(Lens):
    """Radial and tangential distortion of ordinary lenses (Brown 1966; Conrady 1919), as `cv2.projectPoints` has it.

    Attributes:
        k1: radial, of the radius squared; negative is a barrel, positive a pincushion.
        k2: radial, of its fourth power.
        p1: tangential, along y.
        p2: tangential, along x.
        k3: radial, of its sixth power.
    """

    names: ClassVar[tuple[str, ...]] = ("k1", "k2", "p1", "p2", "k3")

    k1: Coefficient = 0.0
    k2: Coefficient = 0.0
    p1: Coefficient = 0.0
    p2: Coefficient = 0.0
    k3: Coefficient = 0.0

    def reach(self) -> float:
        return _first_fold([1, 0, 3 * self.k1, 0, 5 * self.k2, 0, 7 * self.k3])

    def _bend(self, xy: Array) -> Array:
        x, y = xy.T
        r2 = x * x + y * y
        radial = 1 + r2 * (self.k1 + r2 * (self.k2 + r2 * self.k3))
        return np.stack(
            [
                x * radial + 2 * self.p1 * x * y + self.p2 * (r2 + 2 * x * x),
                y * radial + self.p1 * (r2 + 2 * y * y) + 2 * self.p2 * x * y,
            ],
            1,
        )

    def _slopes(self, xy: Array) -> Array:
        x, y = xy.T
        r2 = x * x + y * y
        radial = 1 + r2 * (self.k1 + r2 * (self.k2 + r2 * self.k3))
        growth = 2 * (self.k1 + r2 * (2 * self.k2 + 3 * r2 * self.k3))
        cross = growth * x * y + 2 * self.p1 * x + 2 * self.p2 * y
        xx = radial + growth * x * x + 2 * self.p1 * y + 6 * self.p2 * x
        yy = radial + growth * y * y + 6 * self.p1 * y + 2 * self.p2 * x
        return np.stack([np.stack([xx, cross], -1), np.stack([cross, yy], -1)], -2)


@dataclass(frozen=True, config=STRICT)
class Fisheye(Lens):
    """Wide lenses: a polynomial of the angle from the axis (Kannala and Brandt 2006), as `cv2.fisheye` has it.

    Attributes:
        k1: of the angle's third power; all four zero is the equidistant lens.
        k2: of the fifth.
        k3: of the seventh.
        k4: of the ninth.
    """

    names: ClassVar[tuple[str, ...]] = ("k1", "k2", "k3", "k4")

    k1: Coefficient = 0.0
    k2: Coefficient = 0.0
    k3: Coefficient = 0.0
    k4: Coefficient = 0.0

    def reach(self) -> float:
        fold = _first_fold([1, 0, 3 * self.k1, 0, 5 * self.k2, 0, 7 * self.k3, 0, 9 * self.k4])
        return float(np.tan(min(fold, np.arctan(_FARTHEST))))

    def _bend(self, xy: Array) -> Array:
        radius = np.linalg.norm(xy, axis=1, keepdims=True)
        return np.where(radius > 1e-9, xy * self._angle(radius) / np.maximum(radius, 1e-9), xy)

    def _angle(self, radius: Array) -> Array:
        """Return the distorted angle of a distance from the axis on the plane z = 1."""
        t = np.arctan(radius)
        t2 = t * t
        return np.asarray(t * (1 + t2 * (self.k1 + t2 * (self.k2 + t2 * (self.k3 + t2 * self.k4)))))

    def _slopes(self, xy: Array) -> Array:
        radius = np.maximum(np.linalg.norm(xy, axis=1), 1e-9)
        t2 = np.arctan(radius) ** 2
        growth = 1 + t2 * (3 * self.k1 + t2 * (5 * self.k2 + t2 * (7 * self.k3 + t2 * 9 * self.k4)))
        along = (growth / (1 + radius**2))[:, None, None]
        across = (self._angle(radius) / radius)[:, None, None]
        unit = xy / radius[:, None]
        outer = unit[:, :, None] * unit[:, None, :]
        return np.asarray(along * outer + across * (np.eye(2) - outer))


LENSES: dict[str, type[Lens]] = {"brown": Brown, "fisheye": Fisheye}


def build_lens(section: Plain) -> Lens:
    """Return the lens of a section {"kind": ..., coefficients}. Raises `ConfigError`."""
    return build(LENSES, section, "lens")


def lens_section(kind: str, coefficients: ArrayLike) -> Plain:
    """Return the section of a kind and coefficients in OpenCV's order, the inverse of `Lens.coefficients`.

    Raises:
        ConfigError: an unknown kind, or more coefficients than it has.
    """
    known = build_lens({"kind": kind})
    numbers = np.asarray(coefficients, float).ravel().tolist()
    if len(numbers) > len(known.names):
        raise ConfigError(f'lens: expected at most {len(known.names)} coefficients of "{kind}", got {len(numbers)}')
    return {"kind": kind, **dict(zip(known.names, numbers, strict=False))}


def camera_matrix(camera: CameraSpec) -> Array:
    """Return the (3, 3) matrix of a camera, with its skew; the centre of the top-left pixel is (0, 0)."""
    (fx, fy), (cx, cy) = camera.focal_px, camera.center_px
    return np.array([[fx, camera.skew, cx], [0, fy, cy], [0, 0, 1.0]])


def lens_of(camera: CameraSpec) -> Lens | None:
    """Return the camera's lens, None for a pinhole.

    Raises:
        ConfigError: an unknown kind or coefficient.
        RenderError: a distortion that cannot be undone over the whole image, or a view too wide for a plane of
            `MAX_GROWTH` times the image's edge.
    """
    if camera.lens is None:
        return None
    lens = build_lens(camera.lens)
    rays, lost = lens._solve(grid_rays(camera))
    if lost.any():
        raise RenderError(f"camera.lens: expected a distortion that can be undone over the image, got {camera.lens}")
    if (np.ptp(rays * camera.focal_px, axis=0) > MAX_GROWTH * np.array(camera.size_wh)).any():
        raise RenderError(
            f"camera.lens: expected a view that a plane of {MAX_GROWTH} times the image's size holds, got {camera.lens}"
        )
    return lens


def grid_rays(camera: CameraSpec, steps: int = 33) -> Array:
    """Return the distorted (n, 2) points of the plane z = 1 of a grid over the image, from edge to edge."""
    width, height = camera.size_wh
    u, v = np.meshgrid(np.linspace(-0.5, width - 0.5, steps), np.linspace(-0.5, height - 0.5, steps))
    pixels = np.stack([u.ravel(), v.ravel(), np.ones(u.size)], 1)
    return np.asarray((pixels @ np.linalg.inv(camera_matrix(camera)).T)[:, :2])


def pixel_rays(camera: CameraSpec) -> Array:
    """Return where the ray of each pixel's centre meets the plane z = 1, undistorted: (H, W, 2).

    The distortion is undone at every eighth pixel and interpolated with cubic polynomials between; the error is far
    below a hundredth of a pixel.

    Raises:
        RenderError: a distortion that cannot be undone over the whole image.
    """
    lens = lens_of(camera)
    sizes = camera.size_wh
    counts = [max(4, -(-size // 8) + 1) for size in sizes] if lens else list(sizes)
    rim = 0.5 if lens else 0.0
    u, v = np.meshgrid(*(np.linspace(-rim, size - 1 + rim, count) for size, count in zip(sizes, counts, strict=True)))
    pixels = np.stack([u.ravel(), v.ravel(), np.ones(u.size)], 1)
    rays = (pixels @ np.linalg.inv(camera_matrix(camera)).T)[:, :2]
    if lens is None:
        return np.asarray(rays.reshape(*u.shape, 2))
    nodes = lens.undistort(rays).reshape(*u.shape, 2)
    across, down = (_cubic_weights(size, count) for size, count in zip(sizes, counts, strict=True))
    return np.stack([down @ nodes[..., axis] @ across.T for axis in range(2)], -1)


def pinhole_around(camera: CameraSpec) -> CameraSpec:
    """Return the camera without its lens and skew, with an image large enough for all that the lens lets in.

    Its focal lengths are the same, so the pixels at the axis are as large.

    Raises:
        RenderError: as `lens_of`.
    """
    rays = pixel_rays(camera).reshape(-1, 2) * camera.focal_px
    low, high = np.floor(rays.min(0)) - 1, np.ceil(rays.max(0)) + 1
    width, height = (int(v) for v in high - low + 1)
    return replace(camera, size_wh=(width, height), center_px=(-float(low[0]), -float(low[1])), skew=0.0, lens=None)


def source_pixels(camera: CameraSpec, pinhole: CameraSpec) -> NDArray[np.float32]:
    """Return which pixel (x, y) of `pinhole_around(camera)` each pixel shows: (H, W, 2), as `cv2.remap` takes it."""
    return np.asarray(pixel_rays(camera) * pinhole.focal_px + pinhole.center_px, np.float32)


def _cubic_weights(size: int, count: int) -> Array:
    """Return the (size, count) weights of Lagrange's cubic through nodes evenly from -0.5 to size - 0.5."""
    place = (np.arange(size) + 0.5) / size * (count - 1)
    first = np.clip(np.floor(place).astype(int) - 1, 0, count - 4)
    weights = np.zeros((size, count))
    for node in range(4):
        others = [o for o in range(4) if o != node]
        share = np.prod([(place - first - o) / (node - o) for o in others], axis=0)
        weights[np.arange(size), first + node] = share
    return weights


def _solved(matrices: Array, vectors: Array) -> Array:
    """Return the solutions (n, 2) of n systems of two equations (Cramer's rule: fast for many)."""
    (a, b), (c, d) = np.moveaxis(matrices, 0, -1)
    x, y = vectors.T
    determinant = a * d - b * c
    determinant = np.where(np.abs(determinant) < 1e-9, 1e-9, determinant)
    return np.stack([d * x - b * y, a * y - c * x], 1) / determinant[:, None]


def _first_fold(slope: list[float]) -> float:
    """Return the smallest positive root of a polynomial (ascending powers), at most `_FARTHEST`."""
    roots = np.roots(np.trim_zeros(slope, "b")[::-1])
    real = roots[np.abs(roots.imag) < 1e-9].real
    return float(min([_FARTHEST, *(r for r in real if r > 0)]))
