"""`Window`: what an environment shows of itself on a display, with pygame, as gymnasium's own environments do."""

import os
import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simgen.errors import ConfigError, EnvError, did_you_mean

RENDER_MODES = ("rgb_array", "human")
_DISPLAYS = ("DISPLAY", "WAYLAND_DISPLAY")
_UNSEEN = ("offscreen", "dummy")
"""Drivers that pygame takes where no other works."""


def checked_render_mode(mode: str | None) -> str | None:
    """Return a render mode. Raises `ConfigError` for one that there is not."""
    if mode is None or mode in RENDER_MODES:
        return mode
    raise ConfigError(
        f'render_mode: expected "rgb_array", "human" or None, got "{mode}"{did_you_mean(mode, RENDER_MODES)}'
    )


class Window:
    """A window; a process has one, and what is shown last is seen."""

    def __init__(self, title: str, size_px: int, fps: int) -> None:
        """Open it.

        Args:
            title: of the window.
            size_px: its edge.
            fps: pictures a second; `show` waits for its turn.

        Raises:
            EnvError: there is no display, no pygame, or pygame opens no window.
        """
        self._pygame = _pygame()
        try:
            self._pygame.display.init()
            self._screen = self._pygame.display.set_mode((size_px, size_px))
        except self._pygame.error as error:
            raise EnvError(f'render_mode: "human": expected a display that can be opened, got: {error}') from None
        driver = self._pygame.display.get_driver()
        if driver in _UNSEEN and "SDL_VIDEODRIVER" not in os.environ:
            self.close()
            raise EnvError(f'render_mode: "human": expected a display that can be opened, got the driver "{driver}"')
        self._pygame.display.set_caption(title)
        self._clock, self._fps = self._pygame.time.Clock(), fps

    def show(self, rgb: NDArray[np.uint8]) -> None:
        """Show a picture (H, W, 3)."""
        self._screen.blit(self._pygame.surfarray.make_surface(rgb.swapaxes(0, 1)), (0, 0))
        self._pygame.event.pump()
        self._pygame.display.flip()
        self._clock.tick(self._fps)

    def close(self) -> None:
        """Close it; may be called again."""
        self._pygame.display.quit()


def _pygame() -> Any:
    """Return pygame; it would call a machine without a display content, and nothing would be seen."""
    if sys.platform.startswith("linux") and not any(map(os.environ.get, _DISPLAYS)):
        raise EnvError(
            'render_mode: "human": expected a display, but neither DISPLAY nor WAYLAND_DISPLAY is set; "rgb_array" '
            "gives the pictures"
        )
    os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
    try:
        import pygame
    except ImportError:
        raise EnvError('render_mode: "human": the window needs pygame: pip install pygame') from None
    return pygame
