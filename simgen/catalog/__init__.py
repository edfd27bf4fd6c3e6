"""What can be put in a scene. A model is a frozen dataclass of shape parameters; `MODELS` names them."""

from simgen.catalog.charuco import CharucoPlate
from simgen.catalog.die import Die
from simgen.catalog.mesh import Mesh, surrounds
from simgen.catalog.meshfile import MeshFile
from simgen.catalog.primitives import Box, Capsule, Cylinder, Lump, Sphere
from simgen.catalog.shape import Collider, Model
from simgen.catalog.tile import DigitTile
from simgen.registry import build
from simgen.scene import Plain

MODELS: dict[str, type[Model]] = {
    "box": Box,
    "sphere": Sphere,
    "cylinder": Cylinder,
    "capsule": Capsule,
    "lump": Lump,
    "die": Die,
    "digit_tile": DigitTile,
    "charuco_plate": CharucoPlate,
    "mesh": MeshFile,
}


def build_model(section: Plain) -> Model:
    """Return the model of a section {"kind": ..., fields}. Raises `ConfigError`."""
    return build(MODELS, section, "model")


__all__ = ["MODELS", "Collider", "Mesh", "Model", "build_model", "surrounds"]
