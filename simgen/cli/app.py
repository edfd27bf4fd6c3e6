"""The command itself: which commands there are, and how a mistake reaches the user.

A mistake of the user is one sentence on stderr and exit code 2; an interruption is 130; anything else is a defect
of simgen and keeps its traceback. The command files import the heavy parts (simulator, torch) inside their
functions, so that `simgen --help` answers at once.
"""

import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from simgen import __version__
from simgen.cli import data, rare
from simgen.cli.compare import compare
from simgen.cli.demo import demo
from simgen.cli.evaluate import evaluate
from simgen.cli.export import export
from simgen.cli.gap import gap
from simgen.cli.generate import generate
from simgen.cli.preview import preview
from simgen.cli.sweep import sweep
from simgen.cli.train import train
from simgen.errors import SimgenError

EXIT_MISTAKE = 2
EXIT_STOPPED = 130
# The modules that only an extra brings.
EXTRAS = {
    **dict.fromkeys(("albumentations", "jinja2", "lightning", "matplotlib", "sklearn", "torch"), "train"),
    **dict.fromkeys(("onnx", "onnxscript"), "export"),
    "transformers": "backbones",
}

app = typer.Typer(
    name="simgen",
    help="Labelled synthetic images from a physics simulator, and the road from them to a score on real photographs.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for command in (generate, preview, train, sweep, evaluate, compare, gap, export, demo):
    app.command()(command)
app.add_typer(data.app, name="data")
app.add_typer(rare.app, name="rare")


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"simgen {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    del version


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code.

    Args:
        arguments: the words after `simgen`; those of the process by default.
    """
    try:
        status = app(args=None if arguments is None else list(arguments), prog_name="simgen", standalone_mode=False)
    except SimgenError as mistake:
        return _fail(str(mistake))
    except typer.TyperException as mistake:
        return _fail(mistake.format_message())
    except ModuleNotFoundError as missing:
        module = (missing.name or "").partition(".")[0]
        if module not in EXTRAS:
            raise
        extra = EXTRAS[module]
        return _fail(f"this command needs {module}, which is not installed: pip install 'simgen-robotics[{extra}]'")
    except (KeyboardInterrupt, typer.Abort):
        status = EXIT_STOPPED
    if status == EXIT_STOPPED:
        print("stopped; run the same command again to go on", file=sys.stderr)
    return status if isinstance(status, int) else 0


def _fail(sentence: str) -> int:
    if sentence:  # empty where typer has printed a command group's help in its place
        print(f"error: {' '.join(sentence.split())}", file=sys.stderr)
    return EXIT_MISTAKE
