"""Scores on a labelled image set, with confidence intervals: pure functions on arrays, one file a family."""

from simgen.adapters.metrics.bootstrap import Figures, Measure, Score, bootstrap, resamples, scores_of
from simgen.adapters.metrics.calibration import Reliability, reliability
from simgen.adapters.metrics.classification import ClassScores, confusion_table
from simgen.adapters.metrics.coco import CocoScores
from simgen.adapters.metrics.detection import (
    DetectionScores,
    Matches,
    confusion_of,
    match_image,
    match_images,
    precision_recall_f1,
)
from simgen.adapters.metrics.segmentation import SegmentScores, iou_figures, pixel_confusion

LOWER_IS_BETTER = frozenset(
    {
        "ece",
        *("corner_px_median", "corner_px_90", "reprojection_px_median", "add_mm_median", "adds_mm_median"),
        *("translation_mm_median", "translation_percent_median", "translation_percent_90"),
        *("rotation_deg_median", "rotation_deg_90", "gross_failures"),
    }
)
"""The figures that are errors; of all others more is better."""

__all__ = [
    "LOWER_IS_BETTER",
    "ClassScores",
    "CocoScores",
    "DetectionScores",
    "Figures",
    "Matches",
    "Measure",
    "Reliability",
    "Score",
    "SegmentScores",
    "bootstrap",
    "confusion_of",
    "confusion_table",
    "iou_figures",
    "match_image",
    "match_images",
    "pixel_confusion",
    "precision_recall_f1",
    "reliability",
    "resamples",
    "scores_of",
]
