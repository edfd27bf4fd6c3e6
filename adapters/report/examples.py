"""What a model makes of single photographs, the worst first."""

from typing import TYPE_CHECKING

import numpy as np

from simgen.adapters.metrics import iou_figures
from simgen.adapters.report.overlays import segments_picture
from simgen.adapters.report.pictures import crop_picture, detection_picture
from simgen.adapters.report.poses import pose_examples

if TYPE_CHECKING:
    from simgen.adapters.evaluate import Evaluation

EXAMPLES = 12


def examples(evaluation: "Evaluation", most: int = EXAMPLES) -> list[tuple[str, str]]:
    """Return up to `most` (picture, caption) pairs, the worst first; vectors have no pictures.

    Classifiers show crops that they are wrong about, four times as many, for those are small.
    """
    if evaluation.task == "features":
        return []
    if evaluation.task == "classify":
        return _wrong_crops(evaluation, 4 * most)
    if evaluation.task == "keypoints":
        return pose_examples(evaluation, most)
    none = len(evaluation.classes)
    errors = [sum(said != true for said, true in m.detections) + len(m.missed) for m in evaluation.matches]
    shares = [iou_figures(pixels)["miou"] or 0.0 for pixels in evaluation.pixels]
    worst = np.lexsort((np.array(shares or errors, float), -np.array(errors)))[:most]
    shown = []
    for i in (int(w) for w in worst):
        match = evaluation.matches[i]
        wrong = sum(said != true and true != none for said, true in match.detections)
        false = sum(true == none for _, true in match.detections)
        caption = f"{evaluation.records[i].path.name}: {wrong} wrong class, {false} false, {len(match.missed)} missed"
        if shares:
            caption += f", mIoU {shares[i]:.3f}"
        shown.append((_picture(evaluation, i), caption))
    return shown


def _picture(evaluation: "Evaluation", i: int) -> str:
    record, match, classes = evaluation.records[i], evaluation.matches[i], evaluation.classes
    if evaluation.task == "segment":
        return segments_picture(record, evaluation.segments[i], match, classes)
    return detection_picture(record, evaluation.found[i], match, classes)


def _wrong_crops(evaluation: "Evaluation", most: int) -> list[tuple[str, str]]:
    """Return the mistakes, those first that it is surest of."""
    pairs = [(r, a) for r in evaluation.records for a in r.annotations if not a.ignore]
    confidence = evaluation.probabilities.max(axis=1, initial=0.0)
    wrong = np.flatnonzero(evaluation.said != evaluation.true)
    shown: list[tuple[str, str]] = []
    for k in wrong[np.argsort(-confidence[wrong], kind="stable")][:most]:
        (record, annotation), said = pairs[k], evaluation.classes[evaluation.said[k]]
        caption = f"{annotation.class_name} read as {said} ({confidence[k]:.2f})"
        shown.append((crop_picture(record, annotation.box_xyxy), caption))
    return shown
