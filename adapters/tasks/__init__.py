"""Tasks: what a model is trained for. A task knows its batches, its losses and its own validation score.

    task = TASKS["detect"](classes, config)
    batch = task.collate([items[k] for k in range(8)])      # items = task.items(dataset, length)
    loss = sum(task.losses(module(task.inputs(batch)), batch).values())
    task.validate(module, records).metrics                  # {"map50": 0.93, ...}

Validation reads whole images through simgen.adapters.predict, as evaluation on real photographs does.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from torch import Tensor, nn
from torch.utils.data import Dataset

from simgen.adapters.functional.pseudo import Guesses
from simgen.adapters.settings import TrainConfig
from simgen.adapters.target import Batch, Unlabelled
from simgen.adapters.tasks.classify import Classify
from simgen.adapters.tasks.detect import Detect
from simgen.adapters.tasks.features import Features
from simgen.adapters.tasks.keypoints import Keypoints
from simgen.adapters.tasks.mapped import MappedDetect
from simgen.adapters.tasks.scores import Validation
from simgen.adapters.tasks.segment import Segment

if TYPE_CHECKING:
    from simgen.formats.imageset import ImageRecord, ImageSet


class Task(Protocol):
    """What training needs of a task; made as `Task(classes, config)`."""

    def architecture(self, source: "ImageSet") -> dict[str, Any]:
        """Return the arguments of `build_model` for a model of a labelled set."""

    def preprocess(self) -> dict[str, Any]:
        """Return, as plain data for the model file, how images become the module's input."""

    def items(self, dataset: "ImageSet", length: int) -> Dataset[Any]:
        """Return `length` training items; item k depends on (config.seed, k) alone."""

    def collate(self, items: Sequence[Any]) -> Batch:
        """Join items into a batch of tensors; runs in the loader's process."""

    def inputs(self, batch: Batch) -> Tensor:
        """Return the module's input: `seen(pictures(batch))`."""

    def pictures(self, batch: Batch) -> Tensor:
        """Return what methods of translation change: (B, channels, H, W) float32 in [0, 1]."""

    def seen(self, pictures: Tensor) -> Tensor:
        """Return the module's input of such pictures."""

    def losses(self, output: Any, batch: Batch) -> dict[str, Tensor]:
        """Return the named, weighted scalars whose sum is minimised."""

    def unlabelled(self, dataset: "ImageSet") -> Unlabelled:
        """Return the views of target images, cut as `config.target` says; their labels are not read."""

    def vectors(self, features: Tensor, output: Any, places: Any = None) -> tuple[Tensor, Tensor]:
        """Return what methods compare across domains: vectors (n, F), and class logits (n, C) for a softmax.

        Args:
            features: of `Model.features`.
            output: of `Model.predict`.
            places: another output of the same pictures, by which the places are chosen instead of by `output`.
        """

    def truth(self, batch: Batch) -> Any:
        """Return the labels of a batch in the form of an output, for `vectors`: scores in [0, 1] of each class."""

    def guesses(self, output: Any) -> Guesses:
        """Return what an output says is there, each with a score."""

    def taught(self, output: Any, guesses: Guesses, kept: Tensor) -> dict[str, Tensor]:
        """Return the losses of an output against guesses on the same frames.

        Args:
            output: of `Model.predict`.
            guesses: of a teacher.
            kept: (n,) bool, which of them count as true; the others are left open, neither true nor false.
        """

    def validate(self, module: nn.Module, records: "Sequence[ImageRecord]") -> Validation:
        """Score the module on whole images."""


TASKS: dict[str, Callable[[Sequence[str], TrainConfig], Task]] = {
    "classify": Classify,
    "detect": Detect,
    "segment": Segment,
    "keypoints": Keypoints,
    "features": Features,
}
MAPPED: dict[str, Callable[[Sequence[str], TrainConfig], Task]] = {"detect": MappedDetect}
"""As TASKS, with the maps of simgen.adapters.maps in every batch; for methods that use them."""
