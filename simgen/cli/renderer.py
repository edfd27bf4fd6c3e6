"""The option `--renderer`, shared by the commands that draw."""

from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

if TYPE_CHECKING:
    from simgen.config import Config

RENDERER_HELP = "auto, gl (physically based, needs OpenGL) or tiny; default: what the config says."
RendererOption: TypeAlias = Annotated[str | None, typer.Option("--renderer", help=RENDERER_HELP)]


def load_with(config: str, overrides: list[str] | None, renderer: str | None) -> "Config":
    """Return the config drawn by a renderer of the user's choice, and print its note.

    Raises:
        ConfigError: as `simgen.config.load`; an unknown renderer.
    """
    from simgen.config import load
    from simgen.errors import ConfigError, did_you_mean
    from simgen.render import RENDERERS

    known = ("auto", *sorted(RENDERERS))
    if renderer is not None and renderer not in known:
        raise ConfigError(
            f'--renderer: expected one of {", ".join(known)}, got "{renderer}"{did_you_mean(renderer, known)}'
        )
    chosen = [] if renderer is None else [f"render.kind={renderer}"]
    loaded = load(config, [*(overrides or ()), *chosen])
    if loaded.note:
        typer.echo(loaded.note, err=True)
    return loaded
