"""How well a model does on a labelled image set that it has never seen.

The score threshold comes from the model file, chosen on synthetic images; nothing here is chosen on the real ones.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simgen.adapters.checkpoint import ModelFile, load_model
from simgen.adapters.data import drawn
from simgen.adapters.metrics import (
    ClassScores,
    CocoScores,
    DetectionScores,
    Matches,
    Measure,
    Reliability,
    Score,
    SegmentScores,
    bootstrap,
    confusion_of,
    confusion_table,
    match_image,
    match_images,
    pixel_confusion,
    reliability,
)
from simgen.adapters.planes.predict import PlaneFound, PlaneView, predict_planes
from simgen.adapters.planes.scores import PoseError, has_truth, pose_errors, require_points, summary
from simgen.adapters.predict import Classified, Detections, predict_classes, predict_detections
from simgen.adapters.predict_vectors import predict_vectors
from simgen.adapters.segments.labelmaps import class_map, objects_of
from simgen.adapters.segments.predict import Segments, mask_overlaps, predict_segments
from simgen.adapters.settings import BoxHabit
from simgen.errors import CheckpointError, DataError, OutputError
from simgen.formats.imageset import ImageRecord, ImageSet
from simgen.rng import stream

Progress = Callable[[int, int], None]

CLASSIFYING: dict[str, Callable[..., list[Classified]]] = {"classify": predict_classes, "features": predict_vectors}
"""Tasks that are scored by the class of what is given, each with what predicts it."""


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Scores of one model on one set.

    Attributes:
        task: "detect", "segment", "classify", "keypoints" or "features".
        classes: the class names.
        measure: the figures of the images with given numbers, for resampling; of all for None.
        scores: figures by name, with intervals.
        confusion: (C + 1, C + 1) counts of objects, rows the truth, columns what was said, background last; empty for
            keypoints.
        curves: (C, 101) precision over recall 0, 0.01 ... 1 at IoU 0.5, -1 where undefined; empty for classify.
        threshold: score threshold, chosen on synthetic images.
        history: the model's training summary.
        records: the images; for keypoints those with labelled points.
        found: detections of each image, for segment those of masks; empty for classify.
        matches: what became of them.
        segments: what a segmenter found in each image; else empty.
        pixels: (n, C + 1, C + 1) counts of each image's pixels, rows the truth, background last; segment only.
        true: (n,) class numbers of all objects that count, in order; empty for detect.
        probabilities: (n, C) of the same; empty for detect.
        planes: what was found in each image, and
        errors: how far that is off; empty for all but keypoints.
        image_set: how the set is called.
        part: which of its images, as `split` has it.
        model: the model file.
        synthetic: whether the images are generated ones.
    """

    task: str
    classes: tuple[str, ...]
    measure: Measure
    scores: dict[str, Score]
    confusion: NDArray[np.int64]
    threshold: float | None
    history: dict[str, Any]
    records: tuple[ImageRecord, ...]
    curves: NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 101)))
    found: tuple[Detections, ...] = ()
    matches: tuple[Matches, ...] = ()
    segments: tuple[Segments, ...] = ()
    pixels: NDArray[np.int64] = field(default_factory=lambda: np.zeros((0, 1, 1), np.int64))
    true: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    probabilities: NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 0)))
    planes: tuple[PlaneFound | None, ...] = ()
    errors: tuple[PoseError, ...] = ()
    image_set: str = ""
    part: str = "all"
    model: str = ""
    synthetic: bool = False

    @property
    def said(self) -> NDArray[np.int64]:
        """(n,) int64: the likeliest class of each object; empty for detect."""
        return np.asarray(self.probabilities.argmax(1), np.int64) if len(self.true) else self.true

    @property
    def classifies(self) -> bool:
        """Whether objects (or vectors) were given, and only their classes were asked for."""
        return self.task in CLASSIFYING

    @property
    def reliability(self) -> Reliability | None:
        """How confidence and accuracy go together; None where more than classes is asked for."""
        if not self.classifies:
            return None
        return reliability(self.probabilities.max(1, initial=0.0), self.said == self.true)

    def as_dict(self) -> dict[str, Any]:
        """Return what goes into metrics.json."""
        return {
            "task": self.task,
            "set": self.image_set,
            "split": self.part,
            "synthetic": self.synthetic,
            "model": self.model,
            "classes": list(self.classes),
            "images": len(self.records),
            "objects": sum(not a.ignore for r in self.records for a in r.annotations),
            "threshold": self.threshold,
            "threshold_chosen_on": "synthetic validation images",
            "scores": {name: asdict(score) for name, score in self.scores.items()},
            "confusion": self.confusion.tolist(),
            "training": self.history,
            **({} if self.reliability is None else {"reliability": self.reliability.as_dict()}),
            **({"per_image": self._by_image()} if self.errors else {}),
            **({"pixel_confusion": self.pixels.sum(0).tolist()} if len(self.pixels) else {}),
        }

    def _by_image(self) -> dict[str, dict[str, float | None]]:
        return {r.path.name: error.as_dict() for r, error in zip(self.records, self.errors, strict=True)}


def evaluate(
    checkpoint: Path,
    data: ImageSet,
    *,
    repeats: int = 500,
    seed: int = 0,
    synthetic: bool = False,
    progress: Progress | None = None,
) -> Evaluation:
    """Score a model file on a labelled set.

    Args:
        checkpoint: a model file.
        data: the labelled set, with the model's classes or some of them, in any order.
        repeats: resampled sets for the confidence intervals; 0 for none.
        seed: of the resampling.
        synthetic: whether the images are like the generated ones that the model was trained on. A detector or segmenter
            then sees them at the middle of the scales of its training crops, and their exact boxes get the habits of
            its training boxes (`box` of the settings), by which hardly visible objects are ignored. Real images and
            their boxes are taken as they are.
        progress: called as progress(done, total) after each image.

    Raises:
        CheckpointError: an unreadable model file, or one that does not know a class of the set.
        DataError: an empty set, an image that cannot be decoded, or for a segmenter an object without a mask (all
            found before anything is scored).
    """
    model = load_model(checkpoint)
    if not set(data.classes) <= set(model.classes):
        raise CheckpointError(
            f'model "{checkpoint}": knows the classes {_listed(model.classes)}, '
            f'but the images in "{data.root}" are labelled with {_listed(data.classes)}'
        )
    if synthetic:
        data = _as_trained(data, model, checkpoint)
    if all(annotation.ignore for record in data.records for annotation in record.annotations):
        raise DataError(f'image set "{data.root}": expected labelled images, got none')
    data.verify()
    named: dict[str, Any] = {
        "image_set": data.root.name or str(data.root),
        "model": str(checkpoint),
        "synthetic": synthetic,
    }
    sampling = repeats, seed
    if model.task in CLASSIFYING:
        return replace(_classify(model, data.records, sampling, progress), **named)
    if model.task == "keypoints":
        return replace(_keypoints(model, data.records, sampling, progress), **named)
    scale = float(np.sqrt(np.prod(model.preprocess.get("train_scale", (1.0, 1.0))))) if synthetic else 1.0
    if model.task == "segment":
        for record in data.records:
            objects_of(record)
        segments = predict_segments(model, data.records, scale=scale, progress=progress)
        return replace(_segment(model, data.records, segments, sampling), **named)
    found = predict_detections(model, data.records, scale=scale, progress=progress)
    return replace(_detect(model, data.records, found, sampling), **named)


def _as_trained(data: ImageSet, model: ModelFile, checkpoint: Path) -> ImageSet:
    """Return a generated set labelled as the model's training set was."""
    try:
        habit = BoxHabit(**model.preprocess.get("box", {"min_visible": 0.0}))
    except (TypeError, ValueError):
        raise CheckpointError(f"{checkpoint}: its habits of boxes cannot be read") from None
    return ImageSet(data.root, data.classes, tuple(drawn(record, habit) for record in data.records))


def write_evaluation(evaluation: Evaluation, out: Path) -> Path:
    """Write metrics.json and report.html into a folder; return the report's path."""
    from simgen.adapters.report import write_report

    return write_scores(evaluation.as_dict(), out / "metrics.json", partial(write_report, evaluation), "report.html")


def write_scores(content: dict[str, Any], path: Path, write_page: Callable[[Path], Path], page: str) -> Path:
    """Write scores as JSON and, beside them, their page; return the page's path. Raises `OutputError`."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n", "utf-8")
        return write_page(path.with_name(page))
    except OSError as error:
        raise OutputError(f'output "{path.parent}": cannot be written: {error.strerror}') from None


def _detect(
    model: ModelFile, records: Sequence[ImageRecord], found: list[Detections], sampling: tuple[int, int]
) -> Evaluation:
    coco = CocoScores(found, records, model.classes)
    matches = match_images(found, records, model.classes, _threshold(model))
    scores = DetectionScores(coco, matches, tuple(model.classes))
    return _of_objects(model, records, (found, coco, matches), (scores.summary, sampling))


def _segment(
    model: ModelFile, records: Sequence[ImageRecord], segments: list[Segments], sampling: tuple[int, int]
) -> Evaluation:
    classes = tuple(model.classes)
    found = [s.objects for s in segments]
    coco = CocoScores(found, records, classes, [s.regions for s in segments])
    pairs = list(zip(segments, records, strict=True))
    matches = [match_image(s.objects, r, mask_overlaps(s, r), classes, _threshold(model)) for s, r in pairs]
    labels = {name: number for number, name in enumerate(classes)}
    pixels = np.stack([pixel_confusion(class_map(r, labels), s.semantic, len(classes) + 1) for s, r in pairs])
    scores = SegmentScores(pixels, DetectionScores(coco, matches, classes), classes)
    found_objects = _of_objects(model, records, (found, coco, matches), (scores.summary, sampling))
    return replace(found_objects, segments=tuple(segments), pixels=pixels)


def _of_objects(
    model: ModelFile,
    records: Sequence[ImageRecord],
    outcome: tuple[list[Detections], CocoScores, list[Matches]],
    measured: tuple[Measure, tuple[int, int]],
) -> Evaluation:
    """Return the evaluation of a task that finds objects: what was found, its scores and what became of it."""
    (found, coco, matches), (measure, (repeats, seed)) = outcome, measured
    return Evaluation(
        model.task,
        tuple(model.classes),
        measure,
        bootstrap(measure, len(records), repeats, stream(seed, 0, "bootstrap")),
        confusion_of(matches, len(model.classes)),
        _threshold(model),
        model.history,
        tuple(records),
        curves=coco.precision()[0].T,
        found=tuple(found),
        matches=tuple(matches),
    )


def _threshold(model: ModelFile) -> float:
    return 0.3 if model.threshold is None else float(model.threshold)


def _classify(
    model: ModelFile, records: Sequence[ImageRecord], sampling: tuple[int, int], progress: Progress | None
) -> Evaluation:
    classes = tuple(model.classes)
    found = CLASSIFYING[model.task](model, records, progress=progress)
    rows = [
        (number, classes.index(annotation.class_name), row)
        for number, (record, said) in enumerate(zip(records, found, strict=True))
        for annotation, row in zip(record.annotations, said.probabilities, strict=True)
        if not annotation.ignore
    ]
    images, true, probabilities = (np.array(column) for column in zip(*rows, strict=True))
    scores = ClassScores(true, probabilities, images, classes)
    table = np.zeros((len(classes) + 1, len(classes) + 1), np.int64)
    table[:-1, :-1] = confusion_table(true, probabilities.argmax(1), len(classes))
    return Evaluation(
        model.task,
        classes,
        scores.summary,
        bootstrap(scores.summary, len(records), sampling[0], stream(sampling[1], 0, "bootstrap")),
        table,
        None,
        model.history,
        tuple(records),
        true=true,
        probabilities=probabilities,
    )


def _keypoints(
    model: ModelFile, records: Sequence[ImageRecord], sampling: tuple[int, int], progress: Progress | None
) -> Evaluation:
    labelled = [r for r in records if has_truth(r)]
    view = PlaneView.from_plain(model.preprocess)
    require_points(labelled, view.thing)
    planes = predict_planes(model, labelled, progress=progress)
    errors = pose_errors(planes, labelled, view.thing)

    def measure(images: NDArray[np.int64] | None) -> dict[str, float | None]:
        figures = summary(errors if images is None else [errors[i] for i in images])
        return {name: value if np.isfinite(value) else None for name, value in figures.items()}

    scores = bootstrap(measure, len(labelled), sampling[0], stream(sampling[1], 0, "bootstrap"))
    none = np.zeros((0, 0), np.int64)
    return Evaluation(
        "keypoints",
        tuple(model.classes),
        measure,
        scores,
        none,
        None,
        model.history,
        tuple(labelled),
        planes=tuple(planes),
        errors=tuple(errors),
    )


def _listed(names: Sequence[str]) -> str:
    return "[" + ", ".join(names) + "]"
