"""The one OpenGL context of a process, made when something is first drawn.

A context belongs to the process that made it: a forked child must not touch its parent's, because the threads of a
software driver do not survive the fork.
"""

import os
from functools import cached_property
from typing import Any

from simgen.errors import RenderError

PACKAGES = "libegl1 libgl1-mesa-dri"
"""Debian's names of what a machine without a GPU needs."""


SOFTWARE = ("llvmpipe", "softpipe", "swrast", "swiftshader")
"""What drivers that draw on the processor call themselves."""


class GlError(RenderError):
    """No usable OpenGL context can be made here."""


class Context:
    """An OpenGL context without a window.

    Attributes:
        gl: moderngl's context.
        pid: the process that it belongs to.
        driver: vendor, renderer and version as the driver calls itself.
    """

    def __init__(self) -> None:
        """Raises: GlError."""
        self.pid = os.getpid()
        self.gl = _create()
        info = self.gl.info
        self.driver = {
            "kind": "gl",
            "vendor": str(info["GL_VENDOR"]),
            "renderer": str(info["GL_RENDERER"]),
            "version": str(info["GL_VERSION"]),
        }
        if self.gl.version_code < 400:
            raise GlError(f"OpenGL: expected version 4.0 or later, got {self.driver['version']}")

    @property
    def software(self) -> bool:
        """Whether the driver draws on the processor."""
        return any(name in self.driver["renderer"].lower() for name in SOFTWARE)

    @cached_property
    def max_texture_px(self) -> int:
        """The driver's limit on a texture's edge."""
        return int(self.gl.info["GL_MAX_TEXTURE_SIZE"])

    @cached_property
    def varyings(self) -> int:
        """How many numbers a vertex shader can hand on to a fragment shader."""
        return 4 * int(self.gl.info["GL_MAX_VARYING_VECTORS"])


def _create() -> Any:
    try:
        import moderngl
    except ImportError:
        raise GlError('OpenGL: the package "moderngl" is not installed: pip install moderngl') from None
    try:
        return moderngl.create_context(standalone=True, backend="egl")  # type: ignore[arg-type]
    except Exception as error:  # glcontext raises plain Exception, ImportError or ValueError, by driver
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise GlError(f"OpenGL: no context can be made ({reason}); on Debian: apt-get install {PACKAGES}") from None


_CONTEXTS: list[Context] = []
"""This process's context, last; a forked child keeps its parent's before it, so that nothing destroys them."""


def context() -> Context:
    """Return this process's context, made on the first call.

    Raises:
        GlError: there is no EGL, no driver, OpenGL is too old, or the process was forked from one that had drawn.
    """
    if _CONTEXTS and _CONTEXTS[-1].pid != os.getpid():
        raise GlError(
            "OpenGL: this process was forked from one that had already drawn, and a driver's threads do not survive "
            'that; start it with the "spawn" method'
        )
    if not _CONTEXTS:
        _CONTEXTS.append(Context())
    return _CONTEXTS[-1]
