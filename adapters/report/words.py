"""What figures are called on a page, and how they are written."""

from simgen.adapters.metrics import Score
from simgen.adapters.metrics.paired import Difference, Gap, McNemar

_CLASS_HEADLINE = {
    "accuracy": "accuracy (also precision, recall and F1 over all objects)",
    "precision": "precision (mean over classes)",
    "recall": "recall (mean over classes)",
    "f1": "F1 (mean over classes)",
    "roc_auc": "ROC-AUC (mean over classes, each against the rest)",
    "pr_auc": "PR-AUC (mean of average precisions)",
    "ece": "ECE (calibration error, 15 bins; less is better)",
}
HEADLINE = {
    "detect": {
        "map": "mAP (IoU 0.50 to 0.95)",
        "map50": "mAP50",
        "map75": "mAP75",
        "precision": "precision",
        "recall": "recall",
        "f1": "F1",
        "macro_precision": "precision (mean over classes)",
        "macro_recall": "recall (mean over classes)",
        "macro_f1": "F1 (mean over classes)",
    },
    "segment": {
        "miou": "mIoU (pixels; mean over classes and background)",
        "pixel_accuracy": "pixel accuracy",
        "iou_background": "IoU of the background",
        "map": "mask mAP (IoU 0.50 to 0.95)",
        "map50": "mask mAP50",
        "map75": "mask mAP75",
        "precision": "precision of masks",
        "recall": "recall of masks",
        "f1": "F1 of masks",
    },
    "classify": _CLASS_HEADLINE,
    "features": _CLASS_HEADLINE,
    "keypoints": {
        "pck@1": "PCK, within 1 pixel",
        "pck@2": "PCK, within 2 pixels",
        "pck@5": "PCK, within 5 pixels",
        "corner_px_median": "error of the points, pixels (median)",
        "corner_px_90": "error of the points, pixels (90 %)",
        "oks": "object keypoint similarity",
        "translation_mm_median": "translation error, mm (median)",
        "translation_percent_median": "translation error, % of the distance (median)",
        "translation_percent_90": "translation error, % of the distance (90 %)",
        "rotation_deg_median": "rotation error, degrees (median)",
        "rotation_deg_90": "rotation error, degrees (90 %)",
        "add_mm_median": "ADD, mm (median)",
        "adds_mm_median": "ADD-S, mm (median)",
        "reprojection_px_median": "reprojection error, pixels (median)",
        "mask_iou": "IoU of the masks (mean)",
        "mask_iou_min": "IoU of the masks (least)",
        "gross_failures": "gross failures (median error of an image's points above 10 pixels, or not found)",
    },
}
"""The figures of a task, and their names in a column of their own."""

_CLASS_COMPARED = {
    "accuracy": "accuracy",
    "f1": "F1 (macro)",
    "roc_auc": "ROC-AUC",
    "pr_auc": "PR-AUC",
    "ece": "ECE (less is better)",
}
COMPARED = {
    "detect": {
        "map50": "mAP50",
        "map": "mAP",
        "map75": "mAP75",
        "precision": "precision",
        "recall": "recall",
        "f1": "F1",
    },
    "segment": {
        "miou": "mIoU",
        "map50": "mask mAP50",
        "map": "mask mAP",
        "map75": "mask mAP75",
        "precision": "precision",
        "recall": "recall",
        "f1": "F1",
    },
    "classify": _CLASS_COMPARED,
    "features": _CLASS_COMPARED,
    "keypoints": {
        "corner_px_median": "points, px",
        "translation_percent_median": "translation, %",
        "rotation_deg_median": "rotation, degrees",
        "add_mm_median": "ADD, mm",
        "mask_iou": "mask IoU",
        "gross_failures": "gross failures",
    },
}
"""The figures that models are compared by, and their names at the top of a column; the first is the one to look at."""

_PER_CLASS = {"precision": "precision", "recall": "recall", "f1": "F1", "roc_auc": "ROC-AUC", "pr_auc": "PR-AUC"}
PER_CLASS = {
    "detect": {"ap50": "AP50", "ap": "AP", "precision": "precision", "recall": "recall", "f1": "F1"},
    "segment": {"iou": "IoU", "ap50": "AP50", "ap": "AP", "precision": "precision", "recall": "recall", "f1": "F1"},
    "classify": _PER_CLASS,
    "features": _PER_CLASS,
    "keypoints": {},
}
"""The figures of single classes."""

UNDEFINED = "–"
SPACE = "\N{NO-BREAK SPACE}"


def score_text(score: Score) -> str:
    """Return "0.884 [0.844, 0.928]"."""
    if score.value is None:
        return UNDEFINED
    interval = "" if score.low is None else f" [{score.low:.3f},{SPACE}{score.high:.3f}]"
    return f"{score.value:.3f}{interval}"


def mean_text(figure: tuple[float, float | None] | None) -> str:
    """Return "0.884 ± 0.012": a mean and a standard deviation."""
    if figure is None:
        return UNDEFINED
    mean, spread = figure
    return f"{mean:.3f}" if spread is None else f"{mean:.3f} ± {spread:.3f}"


def difference_text(found: Difference) -> str:
    """Return "+0.031 [-0.004, +0.066], p = 0.08"."""
    if found.value is None:
        return UNDEFINED
    if found.low is None:
        return f"{found.value:+.3f}"
    return f"{found.value:+.3f} [{found.low:+.3f},{SPACE}{found.high:+.3f}], {p_text(found.p_value)}"


def gap_text(gap: Gap) -> str:
    """Return "71 % [40 %, 103 %]"; only the share where its interval has no bound."""
    if gap.value is None:
        return UNDEFINED
    interval = "" if gap.low is None or gap.high is None else f" [{gap.low:.0%},{SPACE}{gap.high:.0%}]"
    return (f"{gap.value:.0%}" + interval).replace("%", f"{SPACE}%")


def mcnemar_text(test: McNemar | None) -> str:
    """Return "12 : 5, p = 0.14"."""
    return UNDEFINED if test is None else f"{test.ours} : {test.theirs}, {p_text(test.p_value)}"


def p_text(p_value: float | None) -> str:
    """Return "p = 0.03", or "p < 0.001"."""
    if p_value is None:
        return UNDEFINED
    return f"p{SPACE}<{SPACE}0.001" if p_value < 0.001 else f"p{SPACE}={SPACE}{p_value:.2g}"


def figure_name(task: str, figure: str) -> str:
    """Return what a figure is called at the top of a column."""
    return COMPARED[task].get(figure, figure)


def noun(task: str) -> str:
    """Return what a task's records are."""
    return "vectors" if task == "features" else "images"


def set_text(image_set: str, part: str) -> str:
    """Return "d6-dice, split last:50"."""
    return image_set if part == "all" else f"{image_set}, split {part}"
