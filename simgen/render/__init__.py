"""From a world and a camera to a Frame. A renderer is a frozen dataclass that is its own config."""

from typing import Protocol

from simgen.lens import camera_matrix
from simgen.render.frame import Frame
from simgen.render.gl import GlRenderer
from simgen.render.robots import poses_of
from simgen.render.tiny import TinyRenderer
from simgen.scene import CameraSpec
from simgen.world import World


class Renderer(Protocol):
    """Draws a world."""

    @property
    def needs_visuals(self) -> bool:
        """Whether the world must have been spawned with its surfaces in PyBullet."""
        ...

    @property
    def layers(self) -> frozenset[str]:
        """The label images that its frames hold, by their names in `output`."""
        ...

    def driver(self) -> dict[str, str]:
        """Return who draws: at least its kind."""
        ...

    def render(self, world: World, camera: CameraSpec) -> Frame:
        """Return what the camera sees."""
        ...


RENDERERS: dict[str, type[Renderer]] = {"gl": GlRenderer, "tiny": TinyRenderer}

__all__ = ["RENDERERS", "Frame", "GlRenderer", "Renderer", "TinyRenderer", "camera_matrix", "poses_of"]
