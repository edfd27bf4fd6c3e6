"""What the commands that draw share: the option `--renderer`, and how a number or a scene is taken from the user."""

from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

if TYPE_CHECKING:
    from simgen.config import Config

RENDERER_HELP = "auto, gl (physically based, needs OpenGL) or tiny; default: what the config says."
RendererOption: TypeAlias = Annotated[str | None, typer.Option("--renderer", help=RENDERER_HELP)]
SCENE_HELP = "A YAML file, or a shipped scene: bracket, charuco, dice, dice-plain, digits, digits-plain."


def require(option: str, value: int | None, least: int) -> None:
    """Raise `ConfigError` for a number, if one was given, that is below the least."""
    from simgen.errors import ConfigError

    if value is not None and value < least:
        raise ConfigError(f"{option}: expected a whole number >= {least}, got {value}")


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
