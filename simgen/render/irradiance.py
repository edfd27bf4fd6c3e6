"""An environment map as a renderer uses it: irradiance, and reflections blurred for some roughnesses. Pure.

A map is equirectangular: row 0 is straight up, columns run from azimuth -pi to pi, measured from x towards y.
"""

from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Map = NDArray[np.float32]

_COARSE = (32, 64)
LEVELS = (
    # roughness, corner (x, y) and edge in the atlas; environment.glsl repeats them
    (0.0, (0, 0), 128),
    (0.15, (128, 0), 64),
    (0.3, (128, 64), 32),
    (0.5, (160, 64), 16),
    (0.75, (176, 64), 16),
    (1.0, (160, 80), 16),
)
ATLAS_WH = (192, 128)


def directions_of(shape: tuple[int, int]) -> Array:
    """Return (H, W, 3) unit vectors of an equirectangular map's pixel centres."""
    polar = (np.arange(shape[0]) + 0.5) / shape[0] * np.pi
    around = ((np.arange(shape[1]) + 0.5) / shape[1] * 2 - 1) * np.pi
    sin = np.sin(polar)[:, None]
    return np.stack([sin * np.cos(around), sin * np.sin(around), np.cos(polar)[:, None] * np.ones_like(around)], -1)


def solid_angles(shape: tuple[int, int]) -> Array:
    """Return (H, 1) steradians of a pixel in each row."""
    edges = np.cos(np.arange(shape[0] + 1) / shape[0] * np.pi)
    return np.asarray((edges[:-1] - edges[1:])[:, None] * 2 * np.pi / shape[1])


def coarse(environment: Map) -> Map:
    """Return the map as 32 x 64 means over equal angles."""
    if environment.shape[:2] == _COARSE:
        return environment
    return np.asarray(cv2.resize(environment, _COARSE[::-1], interpolation=cv2.INTER_AREA), np.float32)


def harmonics(environment: Map) -> Array:
    """Return (9, 3) coefficients of the polynomial in a normal that gives irradiance over pi.

    Ramamoorthi and Hanrahan 2001; the order is 1, y, z, x, xy, yz, 3z^2 - 1, xz, x^2 - y^2.
    """
    return np.asarray(_harmonics_matrix() @ coarse(environment).reshape(-1, 3))


@cache
def _harmonics_matrix() -> Array:
    d = directions_of(_COARSE).reshape(-1, 3)
    x, y, z = d.T
    weight = np.broadcast_to(solid_angles(_COARSE), _COARSE).ravel()
    basis = np.array([np.ones_like(x), y, z, x, x * y, y * z, 3 * z * z - 1, x * z, x * x - y * y])
    # Normalisation of each harmonic, twice (projection, evaluation), and the cosine lobe's 1, 2/3, 1/4.
    square = np.array([1, 3, 3, 3, 15, 15, 5 / 4, 15, 15 / 4]) / (4 * np.pi)
    lobe = np.array([1, 2 / 3, 2 / 3, 2 / 3, 0.25, 0.25, 0.25, 0.25, 0.25])
    return np.asarray(basis * weight * (square * lobe)[:, None])


def reflections(environment: Map) -> Map:
    """Return the atlas (128, 192, 3) of the map as surfaces of six roughnesses reflect it."""
    atlas = np.zeros((ATLAS_WH[1], ATLAS_WH[0], 3), np.float32)
    small = coarse(environment).reshape(-1, 3)
    sharp = _remapped(environment, LEVELS[0][2])
    for level, (_, (x, y), edge) in enumerate(LEVELS):
        if level == 0:
            tile = sharp
        elif level == 1:
            tile = _remapped(np.asarray(cv2.resize(environment, (256, 128), interpolation=cv2.INTER_AREA)), edge)
        else:
            tile = (_lobes(level) @ small).reshape(edge, edge, 3)
        atlas[y : y + edge, x : x + edge] = tile
    return atlas


def irradiance(coefficients: Array, normals: Array) -> Array:
    """Return irradiance over pi (..., 3) on surfaces of normals (..., 3)."""
    x, y, z = np.moveaxis(normals, -1, 0)
    basis = np.stack([np.ones_like(x), y, z, x, x * y, y * z, 3 * z * z - 1, x * z, x * x - y * y], -1)
    return np.maximum(basis @ coefficients, 0)


def octahedral_directions(edge: int) -> Array:
    """Return (edge, edge, 3) unit vectors of an octahedral tile whose outermost texels lie on its edge."""
    e = np.linspace(-1, 1, edge)
    x, y = np.meshgrid(e, e)
    z = 1 - np.abs(x) - np.abs(y)
    fold = np.maximum(-z, 0)
    d = np.stack([x - np.where(x >= 0, fold, -fold), y - np.where(y >= 0, fold, -fold), z], -1)
    return np.asarray(d / np.linalg.norm(d, axis=-1, keepdims=True))


def _remapped(environment: Map, edge: int) -> Map:
    height, width = environment.shape[:2]
    if height > 2 * edge:
        size = (width * 2 * edge // height, 2 * edge)
        environment = np.asarray(cv2.resize(environment, size, interpolation=cv2.INTER_AREA), np.float32)
        height, width = environment.shape[:2]
    u, v = _octahedral_uv(edge)
    # The last column's neighbour is the first: wrap it on, since no border mode wraps one axis alone.
    wrapped = np.concatenate([environment[:, -1:], environment, environment[:, :1]], 1)
    x, y = u * width - 0.5 + 1, np.clip(v * height - 0.5, 0, height - 1)
    return np.asarray(cv2.remap(wrapped, x.astype(np.float32), y.astype(np.float32), cv2.INTER_LINEAR), np.float32)


@cache
def _octahedral_uv(edge: int) -> tuple[Map, Map]:
    d = octahedral_directions(edge)
    u = np.arctan2(d[..., 1], d[..., 0]) / (2 * np.pi) + 0.5
    return u.astype(np.float32), (np.arccos(np.clip(d[..., 2], -1, 1)) / np.pi).astype(np.float32)


@cache
def _lobes(level: int) -> Map:
    """Return (edge^2, 2048) weights: the GGX lobe around each direction of a tile, seen head-on (Karis 2013)."""
    roughness, _, edge = LEVELS[level]
    d, tile = directions_of(_COARSE).reshape(-1, 3), octahedral_directions(edge).reshape(-1, 3)
    cosine = np.clip(tile @ d.T, 0, 1)
    half2 = (1 + cosine) / 2  # squared cosine of the half angle
    a2 = roughness**4
    weight = cosine * a2 / (half2 * (a2 - 1) + 1) ** 2
    weight *= np.broadcast_to(solid_angles(_COARSE), _COARSE).ravel()
    return np.asarray(weight / weight.sum(1, keepdims=True), np.float32)


@cache
def gloss_albedo(edge: int = 32, samples: int = 512, fine: int = 128) -> Map:
    """Return (fine, fine, 2) float32: scale and bias of f0 in a gloss's albedo, by roughness (rows) and n.v (columns).

    Integrates the shader's own lobe (GGX, Hammon's visibility, Schlick's Fresnel) by drawing half vectors from GGX on a
    Hammersley set (Karis 2013), so that what the gloss reflects and what the body gets add up.
    """
    nv = np.maximum(np.linspace(0, 1, edge), 1e-3)[None, :, None]
    alpha = np.maximum(np.linspace(0, 1, edge), 0.03)[:, None, None] ** 2
    i = np.arange(samples)
    first = (i + 0.5) / samples
    turn = 2 * np.pi * ((i * 0.6180339887498949) % 1.0)
    cos_h = np.sqrt((1 - first) / (1 + (alpha**2 - 1) * first))
    sin_h = np.sqrt(np.maximum(1 - cos_h**2, 0))
    vh = np.sqrt(1 - nv**2) * sin_h * np.cos(turn) + nv * cos_h
    nl = 2 * vh * cos_h - nv
    seen = (nl > 0) & (vh > 0)
    visibility = 0.5 / np.maximum((1 - alpha) * 2 * nl * nv + alpha * (nl + nv), 1e-5)
    weight = np.where(seen, visibility * nl * 4 * vh / np.maximum(cos_h, 1e-6), 0)
    fresnel = np.clip(1 - vh, 0, 1) ** 5
    table = np.stack([(weight * (1 - fresnel)).mean(-1), (weight * fresnel).mean(-1)], -1).astype(np.float32)
    # The first and last entries stand for 0 and 1: enlarged, they must lie on the edge again.
    place = np.linspace(0, edge - 1, fine, dtype=np.float32)
    x, y = np.meshgrid(place, place)
    return np.asarray(cv2.remap(table, x, y, cv2.INTER_LINEAR), np.float32)
