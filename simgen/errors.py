"""Named exceptions: every mistake that a user can make and correct is a `SimgenError` with one clear sentence.

The sentence says where, what was expected and what came. The command line prints it and exits with code 2;
anything else that is raised is a defect of simgen and keeps its traceback.
"""

import difflib
from collections.abc import Iterable


class SimgenError(Exception):
    """A mistake that the user can correct; its text is the one sentence shown to them."""


class ConfigError(SimgenError):
    """A configuration that cannot be read or does not say what it must."""


class AssetError(SimgenError):
    """A mesh, texture or shipped asset that is missing or unreadable."""


class DataError(SimgenError):
    """A dataset that is missing, damaged, or contradicts itself."""


class OutputError(SimgenError):
    """An output place that cannot be written without harming what is already there."""


class CheckpointError(SimgenError):
    """A trained model that cannot be read or does not fit the data."""


class TrainingError(SimgenError):
    """A training that cannot go on, such as one whose loss is no number any more."""


class RenderError(SimgenError):
    """A scene that could not be simulated or drawn."""


class ViewError(RenderError):
    """A camera or a lamp inside of an object: the scene is drawn again."""


class EnvError(SimgenError):
    """An environment that is used as it cannot be: an action, a reset's option, a call after it was closed."""


def did_you_mean(name: str, options: Iterable[str]) -> str:
    """Return ` (did you mean "x"?)` for the option nearest to `name`, or the list of options, or nothing."""
    known = sorted(options)
    nearest = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    if nearest:
        return f' (did you mean "{nearest[0]}"?)'
    return f" (known: {', '.join(known)})" if known else ""
