"""From a world and a camera to a Frame. A renderer is a frozen dataclass that is its own config."""

from typing import Protocol

from simgen.render.frame import Frame
from simgen.render.tiny import TinyRenderer, camera_matrix
from simgen.scene import CameraSpec
from simgen.world import World


class Renderer(Protocol):
    """Draws a world."""

    def render(self, world: World, camera: CameraSpec) -> Frame:
        """Return what the camera sees."""
        ...


RENDERERS: dict[str, type[Renderer]] = {"tiny": TinyRenderer}

__all__ = ["RENDERERS", "Frame", "Renderer", "TinyRenderer", "camera_matrix"]
