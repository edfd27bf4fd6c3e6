"""How the ranges of a curriculum grew, as a picture."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from simgen.envs.curriculum.ranges import Curriculum
from simgen.errors import EnvError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_COLUMNS = 3


def plot(curriculum: Curriculum, file: str | Path) -> None:
    """Write a PNG: for each parameter its range over the results, and its limits as dotted lines.

    Raises:
        EnvError: matplotlib is missing.
    """
    draw_ranges(curriculum).savefig(file, format="png", dpi=110, metadata={"Software": None})


def draw_ranges(curriculum: Curriculum) -> "Figure":
    """Return the same as a figure. Raises `EnvError` where matplotlib is missing."""
    try:
        from matplotlib.figure import Figure
    except ModuleNotFoundError:
        raise EnvError("plot: expected matplotlib, which pip install 'simgen-robotics[train]' brings") from None
    axes = curriculum.settings.axes
    columns = min(len(axes), _COLUMNS)
    rows = -(-len(axes) // columns)
    figure = Figure(figsize=(3.6 * columns, 2.5 * rows), layout="constrained")
    places = figure.subplots(rows, columns, squeeze=False).ravel()
    for place, name in zip(places, axes, strict=False):
        _draw(place, curriculum, name)
    for place in places[len(axes) :]:
        place.set_axis_off()
    return figure


def _draw(place: Any, curriculum: Curriculum, name: str) -> None:
    axis = curriculum.settings.axes[name]
    changes = [change for change in curriculum.changes if change.name == name]
    results = [0, *(change.results for change in changes), curriculum.results]
    low = [axis.start[0], *(change.low for change in changes), curriculum.range(name)[0]]
    high = [axis.start[1], *(change.high for change in changes), curriculum.range(name)[1]]
    place.fill_between(results, low, high, step="post", alpha=0.3, lw=0)
    for bound in (low, high):
        place.step(results, bound, where="post", color="C0", lw=1.2)
    for limit in axis.limits:
        place.axhline(limit, color="0.6", lw=0.8, ls=":")
    place.set_title(name, fontsize=9, parse_math=False)
    place.set_xlabel("results", fontsize=8)
    place.tick_params(labelsize=7)
    place.spines[["top", "right"]].set_visible(False)
