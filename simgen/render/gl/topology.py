"""What a mesh's triangles say, whatever its size: whether it is closed, and a coarser mesh for shadow maps. Pure.

Files give the same array of faces each time they are placed in a scene, so this is worked out once for each file.
"""

from collections import OrderedDict
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Vertices = NDArray[np.float64]
Faces = NDArray[np.int64]
Indices = NDArray[np.uint32]
DENSE = 2000
"""Meshes of more triangles get a coarser one for shadow maps."""
CELLS = 9
"""Cells of the coarser mesh along its longest extent: about as fine as a shadow map shows it."""
KEPT = 128


@dataclass(frozen=True, eq=False)
class Topology:
    """What is known of an array of faces.

    Attributes:
        faces: the array itself.
        indices: (F, 3) the same for the device; meshes of the same faces share them.
        closed: see `is_closed`.
        cluster: (V,) the coarser mesh's vertex that each vertex belongs to, or None where the mesh is coarse itself.
        coarse_indices: its (F, 3) faces.
    """

    faces: Faces
    indices: Indices
    closed: bool
    cluster: Faces | None = None
    coarse_indices: Indices | None = None


class Topologies:
    """The topologies of the meshes seen last."""

    def __init__(self) -> None:
        self._known: OrderedDict[int, Topology] = OrderedDict()

    def of(self, vertices_m: Vertices, faces: Faces, convex: bool) -> Topology:
        """Return the topology of a mesh; a convex one is closed."""
        found = self._known.get(id(faces))
        if found is None or found.faces is not faces:
            found = topology(vertices_m, faces, convex)
            self._known[id(faces)] = found
            while len(self._known) > KEPT:
                self._known.popitem(last=False)
        self._known.move_to_end(id(faces))
        return found


def topology(vertices_m: Vertices, faces: Faces, convex: bool) -> Topology:
    """Return what is to be known of a mesh."""
    plain = Topology(faces, faces.astype(np.uint32), convex or is_closed(vertices_m, faces))
    if len(faces) <= DENSE:
        return plain
    cluster = _cells(vertices_m, CELLS)
    joined = cluster[faces]
    joined = joined[(joined != np.roll(joined, 1, 1)).all(1)]
    return replace(plain, cluster=cluster, coarse_indices=joined.astype(np.uint32)) if len(joined) else plain


def coarse_vertices(vertices_m: Vertices, cluster: Faces) -> Vertices:
    """Return the coarser mesh's vertices: the means of the clusters (Rossignac and Borrel 1993).

    Where a surface is smooth or convex they lie on it or just below, so that it does not shade itself.
    """
    counts = np.bincount(cluster)
    return np.stack([np.bincount(cluster, column) / counts for column in vertices_m.T], 1)


def is_closed(vertices_m: Vertices, faces: Faces) -> bool:
    """Return whether each edge has two triangles that run along it in opposite ways, and the volume is positive."""
    joined = _cells(vertices_m, 1 << 20)[faces]
    joined = joined[(joined != np.roll(joined, 1, 1)).all(1)]
    start, end = joined.ravel(), np.roll(joined, -1, 1).ravel()
    there, back = np.sort(start * len(vertices_m) + end), np.sort(end * len(vertices_m) + start)
    a, b, c = (vertices_m[faces[:, k]] for k in range(3))
    volume = np.einsum("ij,ij->", a, np.cross(b, c))
    return bool(volume > 0 and (np.diff(there) > 0).all() and np.array_equal(there, back))


def _cells(vertices_m: Vertices, count: int) -> Faces:
    """Return (V,) numbers, equal for vertices in the same one of `count` cells along the longest extent."""
    low = vertices_m.min(0)
    cell = max(float((vertices_m.max(0) - low).max()), 1e-12) / count
    place = np.rint((vertices_m - low) / cell).astype(np.int64)
    _, which = np.unique((place[:, 0] << 42) | (place[:, 1] << 21) | place[:, 2], return_inverse=True)
    return which.reshape(-1)
