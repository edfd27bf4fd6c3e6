"""Figures of `benchmarks/rare.py`: F1 and recall of rare and common faces, paired differences, a forest plot."""

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from rare_tail import TAILS

from simgen.adapters.evaluate import evaluate
from simgen.adapters.metrics.bootstrap import resamples
from simgen.adapters.metrics.paired import Sampled, difference
from simgen.formats.imageset import ImageSet
from simgen.rng import stream

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Counts = NDArray[np.int64]
"""(n, C, C) of n images: rows the truth, columns what was said."""
REPEATS = 2000
_LOOKS = {"tail_f1": ("rare faces", "black", -0.14), "head_f1": ("other faces", "#a0a0a0", 0.14)}
_SPAN = (-28.0, 24.0)
"""Of the plot's axis, in points; what lies below is written."""
Measure = Callable[[Counts], dict[str, NDArray[np.float64]]]


def counted(model: Path, data: ImageSet, synthetic: bool) -> Counts:
    """Return how often each class was taken for each in every image."""
    found = evaluate(model, data, repeats=0, synthetic=synthetic)
    sizes = [sum(not a.ignore for a in record.annotations) for record in found.records]
    counts = np.zeros((len(sizes), len(found.classes), len(found.classes)), np.int64)
    np.add.at(counts, (np.repeat(np.arange(len(sizes)), sizes), found.true, found.said), 1)
    return counts


def by_face(counts: Counts, classes: tuple[str, ...]) -> dict[str, NDArray[np.float64]]:
    """Return the means over classes of (..., C, C) counts; an F1 or a recall that is undefined counts as 0."""
    right = np.diagonal(counts, axis1=-2, axis2=-1)
    true, said = counts.sum(-1), counts.sum(-2)
    f1 = 2 * right / np.maximum(true + said, 1)
    recall = right / np.maximum(true, 1)
    rare = np.array([name in TAILS for name in classes])
    return {
        "tail_f1": f1[..., rare].mean(-1),
        "tail_recall": recall[..., rare].mean(-1),
        "head_f1": f1[..., ~rare].mean(-1),
    }


def compared(
    cells: dict[str, dict[int, Counts]], measure: Measure, baselines: tuple[str, ...], number: int
) -> dict[str, Any]:
    """Return each arm's figures and its paired differences to the best baseline, the one with the highest first figure.

    Args:
        cells: of each arm and seed, counts of the same images. Baselines have all seeds; a difference is one of the
            seeds that the arm has.
        measure: figures of (..., C, C) counts.
        baselines: arms that one of is compared with, those of them that are there.
        number: of the resampling.
    """
    images = len(next(iter(next(iter(cells.values())).values())))
    drawn = resamples(images, REPEATS, stream(0, number, "bench.resample"))
    sampled = {arm: _sampled(list(runs.values()), measure, drawn, number) for arm, runs in cells.items()}
    known = [arm for arm in baselines if arm in cells]
    best = max(known, key=lambda arm: next(iter(sampled[arm].values())).value, default=None)
    table: dict[str, Any] = {}
    for arm, groups in sampled.items():
        table[arm] = {}
        theirs = None if best is None else _sampled([cells[best][seed] for seed in cells[arm]], measure, drawn, number)
        for name, group in groups.items():
            low, high = np.percentile(group.draws, [2.5, 97.5])
            each = [round(float(measure(run.sum(0))[name]), 4) for run in cells[arm].values()]
            table[arm][name] = {"mean": group.value, "low": float(low), "high": float(high), "seeds": each}
            if theirs is not None:
                table[arm][name]["over_best"] = asdict(difference(group, theirs[name]))
    return {"best_baseline": best, "images": images, "arms": table}


def _sampled(runs: list[Counts], measure: Measure, images: NDArray[np.int64], number: int) -> dict[str, Sampled]:
    """Return the means over seeds of (n, C, C) counts, and the same of resampled images and seeds."""
    seeds = stream(0, number, "bench.seeds").integers(len(runs), size=(REPEATS, len(runs)))
    stacked = np.stack(runs)
    whole = measure(stacked.sum(1))
    times = np.stack([np.bincount(picked, minlength=stacked.shape[1]) for picked in images])
    again = measure(np.einsum("bn,sncd->bscd", times, stacked))
    rows = np.arange(REPEATS)[:, None]
    return {name: Sampled(float(whole[name].mean()), again[name][rows, seeds].mean(1)) for name in whole}


def forest(found: dict[int, dict[str, Any]], out: Path) -> None:
    """Draw the paired differences to the best baseline, rare faces in black, the others in grey."""
    from matplotlib.figure import Figure

    arms = list(dict.fromkeys(arm for one in found.values() for arm in one["arms"]))
    figure = Figure(figsize=(4.2 * len(found) + 1.4, 0.36 * len(arms) + 1.3), layout="constrained")
    panels = figure.subplots(1, len(found), sharey=True, sharex=True, squeeze=False)[0]
    for axes, (left, one) in zip(panels, found.items(), strict=True):
        for row, arm in enumerate(arms):
            for name, (_, color, shift) in _LOOKS.items():
                over = one["arms"].get(arm, {}).get(name, {}).get("over_best")
                if over is not None and over["low"] is not None:
                    _interval(axes, [100 * over[key] for key in ("low", "value", "high")], row + shift, color)
        axes.axvline(0, color="black", lw=0.7, ls=":")
        axes.set_title(f"{left} of each rare face left", fontsize=10, loc="left")
        axes.set_xlabel(f"F1 over {str(one['best_baseline']).replace('_', ' ')}, points", fontsize=9)
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(axis="x", lw=0.3)
        axes.set_xlim(*_SPAN)
    panels[0].set_yticks(range(len(arms)), [arm.replace("_", " ") for arm in arms], fontsize=9)
    panels[0].set_ylim(len(arms) - 0.5, -0.5)
    for label, color, _ in _LOOKS.values():
        panels[0].plot([], [], "o-", color=color, ms=4.5, lw=1.6, label=label)
    figure.legend(fontsize=8, frameon=False, loc="outside upper right", ncols=2)
    figure.savefig(out, dpi=110)


def _interval(axes: "Axes", span: list[float], row: float, color: str) -> None:
    low, value, high = span
    if value < _SPAN[0]:
        axes.text(
            _SPAN[0] + 0.5,
            row,
            f"\N{BLACK LEFT-POINTING SMALL TRIANGLE} {value:.0f}",
            color=color,
            fontsize=7,
            va="center",
        )
        return
    axes.plot([low, high], [row, row], color=color, lw=1.6)
    axes.plot(value, row, "o", color=color, ms=4.5)
