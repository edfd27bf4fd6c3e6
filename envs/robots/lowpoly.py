"""Coarse copies of meshes, by vertex clustering (Rossignac and Borrel 1993): vertices in one cell become one.

It lies where it is nearest to the planes of the cell's triangles (Lindstrom 2000), so that edges stay where they are.
"""

import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simgen.errors import AssetError

Array = NDArray[np.float64]
_FLAT = 0.02
"""Directions that planes fix less than this share of the one that they fix most count as free."""


def clustered(
    vertices_m: NDArray[np.float64], faces: NDArray[np.int64], cell_m: float
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the mesh (V, 3), (F, 3) with the vertices of each cell merged; faces that became lines are left out."""
    cells = np.floor((vertices_m - vertices_m.min(0)) / cell_m).astype(np.int64)
    kept, cell_of = np.unique(cells, axis=0, return_inverse=True)
    cell_of = cell_of.reshape(-1)
    counts = np.bincount(cell_of)
    means = np.stack([np.bincount(cell_of, vertices_m[:, k]) / counts for k in range(3)], 1)
    places = means + _towards_planes(vertices_m, faces, cell_of, means)
    low = vertices_m.min(0) + kept * cell_m
    merged = cell_of[faces]
    whole = (merged[:, 0] != merged[:, 1]) & (merged[:, 1] != merged[:, 2]) & (merged[:, 2] != merged[:, 0])
    merged = merged[whole]
    turned = np.take_along_axis(merged, (merged.argmin(1)[:, None] + np.arange(3)) % 3, 1)  # smallest corner first
    return np.clip(places, low, low + cell_m), np.unique(turned, axis=0)


def _towards_planes(vertices_m: Array, faces: NDArray[np.int64], cell_of: NDArray[np.int64], means_m: Array) -> Array:
    """Return the shift (C, 3) from each cell's mean to where it is nearest to the planes of the cell's triangles.

    Squared distances count as the squares of the triangles' areas; along directions that no plane fixes nothing moves.
    """
    a, b, c = np.moveaxis(vertices_m[faces], 1, 0)
    normals = np.cross(b - a, c - a)
    squares, pulls = np.zeros((len(means_m), 3, 3)), np.zeros((len(means_m), 3))
    for corner in faces.T:
        cell = cell_of[corner]
        np.add.at(squares, cell, normals[:, :, None] * normals[:, None])
        np.add.at(pulls, cell, normals * (normals * (a - means_m[cell])).sum(1, keepdims=True))
    return np.asarray((np.linalg.pinv(squares, rcond=_FLAT, hermitian=True) @ pulls[..., None])[..., 0])


def coarse_copy(source: Path, cells: tuple[float, float], folder: Path) -> Path:
    """Write a coarse copy of a mesh file into a folder.

    Args:
        source: the mesh.
        cells: edge of the cells in metres, and how many there are at least along the mesh.
        folder: where the copy goes.

    Returns:
        Its path.

    Raises:
        AssetError: the mesh cannot be read.
    """
    import trimesh

    try:
        mesh: Any = trimesh.load(source, force="mesh")
    except Exception as error:  # trimesh raises whatever its many parsers do
        raise AssetError(f'mesh "{source}": expected a readable mesh, got {type(error).__name__}: {error}') from None
    cell_m = min(cells[0], float(max(mesh.extents)) / cells[1])
    vertices, faces = clustered(np.asarray(mesh.vertices, float), np.asarray(mesh.faces, np.int64), cell_m)
    lines = [f"v {x:.6g} {y:.6g} {z:.6g}" for x, y, z in vertices.tolist()]
    lines += [f"f {a + 1} {b + 1} {c + 1}" for a, b, c in faces.tolist()]
    path = folder / f"{source.stem}.obj"
    write_atomically(path, "\n".join([*lines, ""]))
    return path


def write_atomically(path: Path, text: str) -> None:
    """Write a file so that others see all of it or nothing."""
    part = path.with_name(f"{path.name}.{os.getpid()}")
    part.write_text(text, "utf-8")
    os.replace(part, path)
