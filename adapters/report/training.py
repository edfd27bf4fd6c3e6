"""The plots of training: losses and validation over steps, from the runs' own tables."""

from collections.abc import Mapping, Sequence

import numpy as np

from simgen.adapters.logs import Columns, thinned
from simgen.adapters.report.embed import add_legend, new_figure, plain, png_uri

_COLUMNS = 4
_MOST_POINTS = 80
_TOTAL = "loss"
_STYLES = ("-", "--", ":", "-.")

Logs = Mapping[str, Sequence[Columns]]
"""Of each method the tables of its runs, seed by seed."""


def losses_plot(logs: Logs) -> str:
    """Return a panel for each method: its losses over steps, a line a run; points are means over neighbouring steps."""
    rows = -(-len(logs) // _COLUMNS)
    figure = new_figure((11.0, 2.3 * rows + 0.5))
    places = figure.subplots(rows, _COLUMNS, squeeze=False).ravel()
    colors = _colors(logs)
    for axes, (method, runs) in zip(places, logs.items(), strict=False):
        plain(axes)
        for log in runs:
            for name in _losses(log):
                steps, values = thinned(log["step"], log[name], _MOST_POINTS)
                axes.plot(steps, values, color=colors[name], lw=1.6 if name == _TOTAL else 1.0, alpha=0.8)
        axes.set_title(method, fontsize=9, parse_math=False)
        axes.tick_params(labelsize=7)
    for axes in places[: len(logs)]:
        axes.set_xlabel("step", fontsize=8)
    for axes in places[::_COLUMNS]:
        axes.set_ylabel("loss", fontsize=8)
    for axes in places[len(logs) :]:
        axes.set_axis_off()
    lines = [places[0].plot([], [], color=color, label=name)[0] for name, color in colors.items()]
    add_legend(figure, handles=lines, ncols=min(8, len(lines)))
    return png_uri(figure)


def validation_plot(logs: Logs, figure_name: str) -> str:
    """Return the leading figure on the held-out part of what each run learns from, a line a run, a colour a method."""
    figure = new_figure((7.4, 4.2))
    axes = plain(figure.subplots())
    for number, (method, runs) in enumerate(logs.items()):
        color, style = f"C{number % 10}", _STYLES[number // 10 % len(_STYLES)]
        for k, log in enumerate(run for run in runs if "step" in run):
            values = log[_leading(log)]
            label = method if k == 0 else None
            axes.plot(log["step"], values, color=color, ls=style, marker="o", ms=3, lw=1.3, alpha=0.85, label=label)
    axes.set(xlabel="step", ylabel=f"{figure_name}, held-out labelled images", xlim=(0, None))
    add_legend(figure, loc="outside right upper")
    return png_uri(figure)


def _losses(log: Columns) -> list[str]:
    """Return the total, and its terms where there are several; terms that start later have no numbers before."""
    terms = [name for name, values in log.items() if name not in ("step", _TOTAL) and np.isfinite(values).all()]
    return [*(terms if len(terms) > 1 else []), *([_TOTAL] if _TOTAL in log else [])]


def _leading(log: Columns) -> str:
    return next(name for name in log if name != "step")


def _colors(logs: Logs) -> dict[str, str]:
    names = dict.fromkeys(name for runs in logs.values() for log in runs for name in _losses(log))
    others = [name for name in names if name != _TOTAL]
    return {_TOTAL: "#222222", **{name: f"C{number % 10}" for number, name in enumerate(others)}}
