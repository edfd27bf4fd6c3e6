"""The pictures of a report, as data URIs."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from simgen.adapters.report.embed import add_legend, jpeg_uri, new_figure, plain, png_uri
from simgen.preview import Corners, put_text

if TYPE_CHECKING:
    from simgen.adapters.metrics import Matches, Reliability, Score
    from simgen.adapters.predict import Detections
    from simgen.formats.coco import ImageRecord

RIGHT, WRONG, MISSED = (40, 200, 60), (235, 40, 40), (255, 160, 0)
SIDE_PX = 960
Color = tuple[int, int, int]
Note = tuple[NDArray[np.float64], Color, str]
"""A box in pixels of the picture, a colour, a text."""


def detection_picture(record: "ImageRecord", found: "Detections", match: "Matches", classes: Sequence[str]) -> str:
    """Return the photograph with right (green), wrong (red) and missed (orange) objects drawn on it."""
    image, scale = enlarged(record)
    notes = notes_of(found, match, classes, scale)
    for box, color, _ in notes:
        x1, y1, x2, y2 = (round(float(v)) for v in box)
        cv2.rectangle(image, (x1, y1), (x2, y2), color, 2)
    write_notes(image, notes)
    return jpeg_uri(image)


def enlarged(record: "ImageRecord") -> tuple[NDArray[np.uint8], float]:
    """Return the photograph with a longer side of `SIDE_PX` pixels, and by how much it was enlarged."""
    scale = SIDE_PX / max(record.size_wh)
    image = cv2.resize(record.rgb(), None, fx=scale, fy=scale, interpolation=cv2.INTER_LINEAR)
    return np.asarray(image, np.uint8), scale


def notes_of(found: "Detections", match: "Matches", classes: Sequence[str], scale: float) -> list[Note]:
    """Return what is to be said of each kept detection, in order, and then of each missed object."""
    notes: list[Note] = []
    for (said, true), number in zip(match.detections, match.kept, strict=True):
        text = f"{classes[said]} {found.scores[number]:.2f}"
        if said != true and true < len(classes):
            text += f" (is {classes[true]})"
        notes.append((found.boxes_xyxy[number] * scale, RIGHT if said == true else WRONG, text))
    for box, label in zip(match.missed_boxes, match.missed, strict=True):
        notes.append((box * scale, MISSED, f"missed {classes[label]}"))
    return notes


def write_notes(image: NDArray[np.uint8], notes: Sequence[Note]) -> None:
    """Write the texts beside their boxes."""
    taken: list[Corners] = []
    for box, color, text in sorted(notes, key=lambda note: note[1] == RIGHT):  # mistakes get the best places
        put_text(image, text, box, color, taken)


def crop_picture(record: "ImageRecord", box_xyxy: NDArray[np.float64]) -> str:
    """Return an object's crop, enlarged to 96 pixels."""
    x1, y1, x2, y2 = (round(float(v)) for v in box_xyxy)
    piece = record.rgb()[y1 : max(y2, y1 + 1), x1 : max(x2, x1 + 1)]
    return jpeg_uri(np.asarray(cv2.resize(piece, (96, 96), interpolation=cv2.INTER_NEAREST), np.uint8))


def confusion_plot(confusion: NDArray[np.int64], classes: Sequence[str], title: str = "Confusion") -> str:
    """Return the confusion matrix as a heat map; rows are shares of the true class."""
    figure = new_figure()
    axes = figure.subplots()
    names = [*classes, "none"] if confusion[-1].any() or confusion[:, -1].any() else list(classes)
    table = confusion[: len(names), : len(names)]
    share = table / np.maximum(table.sum(1, keepdims=True), 1)
    axes.imshow(share, cmap="Blues", vmin=0, vmax=1)
    for row, column in np.ndindex(*table.shape):
        if table[row, column]:
            color = "white" if share[row, column] > 0.5 else "black"
            axes.text(column, row, str(table[row, column]), ha="center", va="center", fontsize=8, color=color)
    axes.set_xticks(range(len(names)), names, rotation=45, parse_math=False)
    axes.set_yticks(range(len(names)), names, parse_math=False)
    axes.set(xlabel="said", ylabel="true")
    axes.set_title(title, parse_math=False)
    return png_uri(figure)


def pixels_plot(confusion: NDArray[np.int64], classes: Sequence[str]) -> str:
    """Return the confusion of pixels as a heat map; rows are percentages of the true class."""
    figure = new_figure()
    axes = figure.subplots()
    names = [*classes, "background"]
    share = confusion / np.maximum(confusion.sum(1, keepdims=True), 1)
    axes.imshow(share, cmap="Blues", vmin=0, vmax=1)
    for row, column in np.ndindex(*share.shape):
        if share[row, column] >= 0.0005:
            color = "white" if share[row, column] > 0.5 else "black"
            text = f"{100 * share[row, column]:.1f}"
            axes.text(column, row, text, ha="center", va="center", fontsize=8, color=color)
    axes.set_xticks(range(len(names)), names, rotation=45, parse_math=False)
    axes.set_yticks(range(len(names)), names, parse_math=False)
    axes.set(xlabel="said", ylabel="true", title="Confusion of pixels, % of the true class")
    return png_uri(figure)


def curves_plot(curves: NDArray[np.float64], classes: Sequence[str]) -> str:
    """Return the precision-recall curves at IoU 0.5."""
    figure = new_figure()
    axes = figure.subplots()
    recall = np.linspace(0, 1, curves.shape[1])
    for name, precision in zip(classes, curves, strict=True):
        if precision.max() >= 0:
            axes.plot(recall, precision, label=name)
    axes.set(xlabel="recall", ylabel="precision", title="Precision over recall, IoU 0.5", xlim=(0, 1), ylim=(0, 1.02))
    add_legend(figure, ncols=min(len(classes), 6))
    return png_uri(figure)


def reliability_plot(found: "Reliability") -> str:
    """Return accuracy over confidence, and below it how many objects there are in each bin."""
    figure = new_figure()
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    edges = np.linspace(0, 1, len(found.weight) + 1)
    there = found.weight > 0
    upper.bar(
        edges[:-1][there], found.accuracy[there], 1 / len(found.weight), align="edge", color="#7aa6d8", ec="white"
    )
    upper.plot(found.confidence[there], found.accuracy[there], "o-", color="#20507f", ms=4, label="as measured")
    upper.plot([0, 1], [0, 1], "--", color="grey", label="perfectly calibrated")
    error = "" if found.ece is None else f", ECE {found.ece:.3f}"
    upper.set(ylabel="accuracy", title=f"Reliability{error}", xlim=(0, 1), ylim=(0, 1.02))
    lower.bar(edges[:-1], found.weight, 1 / len(found.weight), align="edge", color="#7aa6d8", ec="white")
    lower.set(xlabel="confidence", ylabel="objects")
    return png_uri(figure)


Curves = Mapping[str, Sequence[tuple[int, float, float]]]
"""Of each way of training (labelled photographs, mean, standard deviation)."""


def shots_plot(curves: Curves, figure_name: str, levels: Mapping[str, float] | None = None) -> str:
    """Return a score over the number of labelled photographs.

    Args:
        curves: of the score.
        figure_name: of the score.
        levels: scores that need no label, by what they are from.
    """
    figure = new_figure((6.4, 4.4))
    axes = plain(figure.subplots())
    for (name, level), color in zip((levels or {}).items(), ("#777777", "#2a9d5c"), strict=False):
        axes.axhline(level, color=color, ls="--", lw=1.2, label=name)
    for name, points in curves.items():
        shots, means, spreads = zip(*points, strict=True)
        axes.errorbar(shots, means, yerr=spreads, marker="o", ms=5, capsize=3, label=name)
    axes.set_xscale("symlog", linthresh=5)
    ticks = sorted({shots for points in curves.values() for shots, _, _ in points})
    axes.set_xticks(ticks, [str(k) for k in ticks], minor=False)
    axes.set_xticks([], minor=True)
    axes.set(xlabel="labelled photographs", ylabel=figure_name)
    add_legend(figure, ncols=2)
    return png_uri(figure)


def intervals_plot(scores: "Sequence[tuple[str, Score]]", name: str, baseline: str | None = None) -> str:
    """Return one figure of several models as points with their intervals, and a line through that of the baseline."""
    figure = new_figure((7.0, 1.3 + 0.32 * len(scores)))
    axes = plain(figure.subplots())
    for row, (title, score) in enumerate(scores):
        if title == baseline and score.value is not None:
            axes.axvline(score.value, color="#777777", lw=1, ls="--", zorder=1)
        if score.low is not None and score.high is not None:
            axes.plot([score.low, score.high], [row, row], color="#7aa6d8", lw=3, solid_capstyle="round")
        if score.value is not None:
            axes.plot([score.value], [row], "o", color="#20507f")
    axes.set_yticks(range(len(scores)), [title for title, _ in scores], parse_math=False)
    axes.set(xlabel=name, ylim=(len(scores) - 0.5, -0.5))
    return png_uri(figure)
