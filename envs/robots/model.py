"""`RobotModel`: an arm as data, and the files that PyBullet loads it from.

The files are made at run time from those that come with PyBullet (`pybullet_data`), once, in the user's cache: the
surfaces of the links become coarse copies of their collision meshes, which is what makes pictures fast, and an arm
without a hand gets one of simgen's.
"""

import hashlib
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from xml.etree import ElementTree

import pooch
import pybullet_data

from simgen.envs.robots.lowpoly import coarse_copy, write_atomically
from simgen.errors import AssetError

_MADE = "4"
"""Counted up when the files are made in another way."""


@dataclass(frozen=True)
class RobotModel:
    """An arm with a parallel gripper.

    Attributes:
        name: as in `robot=`.
        file: the URDF file in `pybullet_data`.
        tool: the link whose frame is between the fingertips, z out of the hand.
        home_rad: joint angles of rest, from the base on.
        fingers: the two joints that open the gripper.
        gripper: a URDF of simgen's to put on the flange, or None.
        flange: the link to put it on.
        flange_offset_m: from that link's frame to the gripper's base, along z.
        opening_m: travel of each finger.
        cell_m: edge of the cells that vertices are merged in for the surfaces.
        least_cells: along a link; those of short links are smaller, so that something is left of a finger, too.
        damping: of the joints, N m s/rad.
        friction: of the links.
        position_gain: of the motors: the share of an error that they take away in a time step.
    """

    name: str
    file: str
    tool: str
    home_rad: tuple[float, ...]
    fingers: tuple[str, str]
    gripper: str | None = None
    flange: str = ""
    flange_offset_m: float = 0.0
    opening_m: float = 0.04
    cell_m: float = 0.035
    least_cells: float = 5.0
    damping: float = 0.0
    friction: float = 0.8
    position_gain: float = 0.3

    def urdf(self) -> Path:
        """Return the URDF file, made if it is not there yet. Raises `AssetError`."""
        source = Path(pybullet_data.getDataPath()) / self.file
        if not source.is_file():
            raise AssetError(f'robot "{self.name}": expected "{self.file}" in pybullet_data, there is no such file')
        text, gripper = source.read_text("utf-8"), self._gripper_text()
        key = hashlib.sha256("|".join([_MADE, str(source), text, gripper, repr(self)]).encode()).hexdigest()[:16]
        folder = Path(pooch.os_cache("simgen")) / "robots" / f"{self.name}-{key}"
        made = folder / f"{self.name}.urdf"
        if not made.is_file():
            self._make(made, source, text, gripper)
        return made

    def _gripper_text(self) -> str:
        if self.gripper is None:
            return ""
        return (resources.files("simgen.assets") / "robots" / self.gripper).read_text("utf-8")

    def _make(self, made: Path, source: Path, text: str, gripper: str) -> None:
        try:
            made.parent.mkdir(parents=True, exist_ok=True)
            robot = ElementTree.fromstring(text)
            for link in robot.iter("link"):
                self._simplify(link, source.parent, made.parent)
            if gripper:
                self._attach(robot, ElementTree.fromstring(gripper))
            write_atomically(made, ElementTree.tostring(robot, "unicode"))
        except OSError as error:
            raise AssetError(f'robot "{self.name}": the cache "{made.parent}" cannot be written: {error}') from None

    def _simplify(self, link: ElementTree.Element, source: Path, folder: Path) -> None:
        """Name collision meshes by their whole paths, and let a coarse copy of them be the surface."""
        shape, surface = link.find("collision"), link.find("visual")
        mesh = None if shape is None else shape.find("geometry/mesh")
        if shape is None or surface is None or mesh is None:
            return
        file = source / mesh.attrib["filename"].removeprefix("package://")
        mesh.set("filename", str(file))
        for part in ("origin", "geometry"):
            for old in surface.findall(part):
                surface.remove(old)
        copy = coarse_copy(file, (self.cell_m, self.least_cells), folder)
        geometry = ElementTree.SubElement(surface, "geometry")
        ElementTree.SubElement(geometry, "mesh", filename=str(copy))
        origin = shape.find("origin")
        if origin is not None:
            surface.append(origin)

    def _attach(self, robot: ElementTree.Element, gripper: ElementTree.Element) -> None:
        robot.extend(gripper)
        joint = ElementTree.SubElement(robot, "joint", name="gripper_mount", type="fixed")
        ElementTree.SubElement(joint, "parent", link=self.flange)
        ElementTree.SubElement(joint, "child", link="gripper_base")
        ElementTree.SubElement(joint, "origin", xyz=f"0 0 {self.flange_offset_m}")
