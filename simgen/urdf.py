"""The mesh files that a URDF names, read before PyBullet sees them: some that are broken end its process."""

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from simgen.errors import AssetError, DataError
from simgen.xmlfile import Element, IllFormedError, parse

PREFIXES = ("package://", "model://")
KINDS = (".obj", ".stl", ".dae")


class _Version(NamedTuple):
    """A file as it is now."""

    path: Path
    modified_ns: int
    size: int


def check_urdf(path: Path) -> None:
    """Read a URDF file and the meshes that it shows or collides with.

    Raises:
        AssetError: the file is missing or has entities of its own, or one of its meshes is missing or has no triangles
            that can be read.
    """
    if not path.is_file():
        raise AssetError(f'robot "{path}": there is no such file')
    try:
        names = sorted(set(_mesh_names(parse(path.read_bytes(), f'robot "{path}"', "URDF"))))
    except IllFormedError:
        return  # PyBullet's reader is laxer, e.g. with its own humanoid, and says itself what it cannot read
    except DataError as error:
        raise AssetError(str(error)) from None
    for name in names:
        where = f'robot "{path}": mesh "{name}"'
        file = _found(path, name)
        if file is None:
            raise AssetError(f"{where}: there is no such file beside the URDF file or in a folder above")
        if file.suffix.lower() not in KINDS:
            raise AssetError(f"{where}: expected a file of the kinds {', '.join(KINDS)}")
        stat = file.stat()
        problem = _problem(_Version(file, stat.st_mtime_ns, stat.st_size))
        if problem:
            raise AssetError(f"{where}: expected a mesh with triangles, got {problem}")


def _mesh_names(robot: Element) -> Iterator[str]:
    for link in robot.all("link"):
        for shape in (*link.all("visual"), *link.all("collision")):
            for geometry in shape.all("geometry"):
                yield from (mesh.attributes.get("filename", "") for mesh in geometry.all("mesh"))


def _found(urdf: Path, name: str) -> Path | None:
    """Return the file that PyBullet takes for a name: it looks beside the URDF file, then in each folder above."""
    for prefix in PREFIXES:
        name = name.removeprefix(prefix)
    folders = urdf.absolute().parents
    return next((folder / name for folder in folders if (folder / name).is_file()), None)


@lru_cache(maxsize=256)
def _problem(version: _Version) -> str:
    """Return what is wrong with a mesh file, "" for nothing."""
    import trimesh

    try:
        loaded: Any = trimesh.load(version.path, process=False)
        parts = loaded.dump() if isinstance(loaded, trimesh.Scene) else [loaded]
        triangles = sum(len(getattr(part, "faces", ())) for part in parts)
    except Exception as error:  # trimesh raises whatever its many parsers do
        return f"{type(error).__name__}: {error}"
    return "" if triangles else "none"
