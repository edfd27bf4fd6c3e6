"""Pictures of rare cases: bars of the cells' counts, and sheets of objects in their surroundings."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from simgen.cutting import crop_box
from simgen.preview import class_color
from simgen.rare.cells import Condition
from simgen.rare.crossing import Crossed
from simgen.rare.survey import Survey
from simgen.samples import Sample

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_TILE_PX, _EXTENT, _COLUMNS = 128, 1.8, 6


def cell_bars(grids: Sequence[Crossed]) -> "Figure":
    """Draw the counts of each grid's cells on a logarithmic axis; bars below the dashed line are thin.

    Where a real set was counted, a diamond is the count that its share would be of the dataset's objects.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 2.6 * max(len(grids), 1) + 0.3), layout="constrained")
    for grid, axes in zip(grids, figure.subplots(max(len(grids), 1), 1, squeeze=False).ravel(), strict=False):
        _bars(grid, axes)
    return figure


def _bars(grid: Crossed, axes: "Axes") -> None:
    first = list(dict.fromkeys(cell.conditions[0] for cell in grid.cells))
    rest = list(dict.fromkeys(cell.conditions[1:] for cell in grid.cells))
    counts = {cell.conditions: number for cell, number in zip(grid.cells, grid.counts, strict=True)}
    expected = _real_shares(grid)
    width = 0.8 / max(len(first), 1)
    for number, condition in enumerate(first):
        heights = [counts.get((condition, *others), 0) for others in rest]
        places = np.arange(len(rest)) + (number - (len(first) - 1) / 2) * width
        color = [channel / 255 * 0.85 for channel in class_color(number)]
        bars = axes.bar(places, heights, width * 0.92, color=color, label=condition.span)
        axes.bar_label(bars, fontsize=5 if len(first) * len(rest) > 20 else 7, padding=1)
        if grid.real_counts is not None:
            shares = [expected.get((condition, *others), 0.0) for others in rest]
            label = "the real set's share" if number == len(first) - 1 else None
            # At the bar's side: the number stands over its middle.
            axes.plot(places + 0.36 * width, shares, "D", ms=3, mfc="white", mec="black", mew=0.7, label=label)
    axes.axhline(grid.floor, color="black", ls="--", lw=0.8)
    axes.set_yscale("symlog", linthresh=1)
    axes.set_ylim(0, 3 * max([*grid.counts, *expected.values(), 1]))
    names = ["\n".join(condition.text for condition in others) or grid.title for others in rest]
    axes.set_xticks(range(len(rest)), names, fontsize=8, rotation=20 if len(rest) > 8 else 0)
    axes.set_title(f"{grid.title}: thin below {grid.floor}", fontsize=9, loc="left")
    axes.tick_params(axis="y", labelsize=7)
    axes.spines[["top", "right"]].set_visible(False)
    if len(first) > 1 or expected:
        axes.legend(
            fontsize=7,
            ncols=min(len(first) + bool(expected), 8),
            loc="lower right",
            bbox_to_anchor=(1, 1),
            borderaxespad=0,
            frameon=False,
        )


def _real_shares(grid: Crossed) -> dict[tuple[Condition, ...], float]:
    """Return what each cell would have if the dataset's objects were spread as the real ones; nothing without these."""
    real = grid.real_counts or ()
    factor = sum(grid.counts) / max(sum(real), 1)
    return {cell.conditions: number * factor for cell, number in zip(grid.cells, real, strict=False)}


def object_sheet(found: Survey, numbers: Sequence[int], titles: Sequence[str], heading: str) -> "Figure":
    """Draw some objects of a set in their surroundings, boxes and names drawn.

    Args:
        found: the set's survey.
        numbers: of the objects.
        titles: a text for each, beside its class.
        heading: over the sheet.
    """
    from matplotlib.figure import Figure

    rows = max(-(-len(numbers) // _COLUMNS), 1)
    figure = Figure(figsize=(1.55 * _COLUMNS, 1.85 * rows + 0.3), layout="constrained")
    figure.suptitle(heading if numbers else f"{heading}: none", fontsize=9, parse_math=False)
    places = figure.subplots(rows, _COLUMNS, squeeze=False).ravel()
    for axes in places:
        axes.set_axis_off()
    for axes, number, title in zip(places, numbers, titles, strict=False):
        sample, place = found.data[int(found.image[number])], int(found.place[number])
        axes.imshow(_surrounded(sample, place))
        caption = f"{sample.annotations[place].class_name} {title}\nimage {sample.index}"
        axes.set_title(caption, fontsize=7, pad=2, parse_math=False)
    return figure


def _surrounded(sample: Sample, place: int) -> NDArray[np.uint8]:
    """Return an object with what is around it, (128, 128, 3), its box drawn."""
    annotation = sample.annotations[place]
    tile = crop_box(sample.rgb, annotation.box_xyxy, _EXTENT, _TILE_PX).copy()
    scale = _TILE_PX / (max(annotation.size_wh) * _EXTENT)
    half_w, half_h = (scale * side / 2 for side in annotation.size_wh)
    middle = _TILE_PX / 2
    corners = [round(v) for v in (middle - half_w, middle - half_h, middle + half_w, middle + half_h)]
    cv2.rectangle(tile, tuple(corners[:2]), tuple(corners[2:]), (255, 0, 255), 1)
    return tile
