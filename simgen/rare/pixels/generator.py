"""A trained crop generator: its file, and crops drawn from it, encoded by it, edited through it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from numpy.random import Generator
from numpy.typing import NDArray
from torch import Tensor

from simgen.errors import CheckpointError, DataError, did_you_mean
from simgen.rare.pixels.crops import Crops
from simgen.rare.pixels.descriptor import premultiply
from simgen.rare.pixels.law import BOLDNESS, LatentLaw
from simgen.rare.pixels.nets import CropVae
from simgen.rare.pixels.settings import Network
from simgen.torchfile import read_plain, write_plain

FORMAT = "simgen-crops/2"
_LOGARITHMIC = frozenset({"size_px"})
_FARTHEST = 3.0
_BATCH = 256
Pixels = NDArray[np.uint8]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Wish:
    """What crops are asked for.

    Attributes:
        class_name: their class.
        attributes: for each attribute that matters, the (low, high) that it must lie in.
    """

    class_name: str
    attributes: Mapping[str, tuple[float, float]] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Conditions:
    """What the training crops were: the table that samples take their attributes and scale from.

    Attributes:
        classes: the class names.
        names: the A attributes' names.
        labels: (N,) int64.
        attributes: (N, A) float64.
        side_px: (N,) float64.
        side_m: (N,) float64, NaN where not known.
        upright: whether they had been turned upright.
    """

    classes: tuple[str, ...]
    names: tuple[str, ...]
    labels: NDArray[np.int64]
    attributes: Floats
    side_px: Floats
    side_m: Floats
    upright: bool = False

    @staticmethod
    def of(crops: Crops) -> "Conditions":
        scale = crops.side_px, crops.side_m
        return Conditions(crops.classes, crops.names, crops.labels, crops.attributes, *scale, crops.upright)

    def standardised(self, attributes: Floats) -> NDArray[np.float32]:
        """Return (n, A) attributes with the training crops' mean 0 and variance 1, sizes by their logarithm."""
        logs = [name in _LOGARITHMIC for name in self.names]
        ours, theirs = (np.where(logs, np.log(np.maximum(v, 1e-6)), v) for v in (self.attributes, attributes))
        spread = np.maximum(ours.std(0), 1e-3)
        return np.asarray(np.clip((theirs - ours.mean(0)) / spread, -_FARTHEST, _FARTHEST), np.float32)

    def draw(self, wish: Wish, count: int, rng: Generator) -> tuple[int, NDArray[np.int64], Floats]:
        """Return a class number, `count` rows that the samples are modelled on, and their (count, A) attributes.

        Rows are of the class, and of those inside the wished ranges where there are any; what still lies outside a
        range is drawn evenly from it.

        Raises:
            DataError: an unknown class or attribute.
        """
        for name, known, what in (
            (wish.class_name, self.classes, "class"),
            *((name, self.names, "attribute") for name in wish.attributes),
        ):
            if name not in known:
                raise DataError(f'crop generator: unknown {what} "{name}"{did_you_mean(name, known)}')
        label = self.classes.index(wish.class_name)
        rows = np.flatnonzero(self.labels == label)
        rows = rows if len(rows) else np.arange(len(self.labels))
        limits = [(self.names.index(name), low, high) for name, (low, high) in wish.attributes.items()]
        values = self.attributes[rows]
        inside = np.ones(len(rows), bool)
        for column, low, high in limits:
            inside &= (values[:, column] >= low) & (values[:, column] <= high)
        chosen = rng.choice(rows[inside] if inside.any() else rows, count)
        attributes = self.attributes[chosen].copy()
        for column, low, high in limits:
            outside = (attributes[:, column] < low) | (attributes[:, column] > high)
            attributes[outside, column] = rng.uniform(low, high, int(outside.sum()))
        return label, chosen, attributes


class CropGenerator:
    """A trained model with the conditions that it learned.

    Args:
        model: the autoencoder.
        law: of the latents.
        conditions: of its training crops.
        network: the nets' sizes.
        size: of its crops.
        kind: "vae" or "gan".
    """

    def __init__(
        self, model: CropVae, law: LatentLaw, conditions: Conditions, network: Network, size: int, kind: str
    ) -> None:
        self.model, self.law, self.conditions = model.eval(), law, conditions
        self.network, self.size, self.kind = network, size, kind

    def sample(self, wish: Wish, count: int, rng: Generator, boldness: float = BOLDNESS) -> tuple[Crops, Floats]:
        """Return `count` new crops and the (count, Z) latents that they come from.

        Args:
            wish: their class and attributes.
            count: how many.
            rng: draws latents and attributes.
            boldness: 0 to 1, how far from training crops: 0 repeats them, 1 has the most that nobody would know.
        """
        label, rows, attributes = self.conditions.draw(wish, count, rng)
        labels = np.full(count, label, np.int64)
        latents = self.draw_latents(labels, rng, boldness)
        return self.crops(latents, labels, attributes, rows), latents

    def draw_latents(self, labels: NDArray[np.int64], rng: Generator, boldness: float = BOLDNESS) -> Floats:
        """Return (N, Z) draws from the law of the latents, for (N,) class numbers."""
        chances = rng.random(len(labels), np.float32)
        noise = rng.standard_normal((2, len(labels), self.network.latent), np.float32)
        classes, which, normal = map(torch.from_numpy, (labels, chances, noise))
        return np.asarray(self.law.draw(classes, which, normal, boldness).numpy(), np.float64)

    def crops(self, latents: Floats, labels: NDArray[np.int64], attributes: Floats, rows: NDArray[np.int64]) -> Crops:
        """Return decoded latents as crops whose scale is that of the training crops `rows` (N,)."""
        side_px, side_m = self.conditions.side_px[rows].copy(), self.conditions.side_m[rows]
        if "size_px" in self.conditions.names:
            column = self.conditions.names.index("size_px")
            side_px *= attributes[:, column] / np.maximum(self.conditions.attributes[rows, column], 1e-6)
        return Crops(
            self.conditions.classes,
            self.decode(latents, labels, attributes),
            labels,
            attributes,
            self.conditions.names,
            side_px,
            side_m,
            tuple(f"{self.kind}#{number}" for number in range(len(labels))),
            self.conditions.upright,
        )

    @torch.inference_mode()
    def decode(self, latents: Floats, labels: NDArray[np.int64], attributes: Floats) -> Pixels:
        """Return (N, S, S, 4) uint8 crops of (N, Z) latents, (N,) class numbers and (N, A) attributes."""
        given = (
            torch.from_numpy(latents.astype(np.float32)),
            torch.from_numpy(labels),
            torch.from_numpy(self.conditions.standardised(attributes)),
        )
        parts = zip(*(torch.split(tensor, _BATCH) for tensor in given), strict=True)
        made = [to_pixels(self.model.decode(*part)) for part in parts]
        return np.concatenate(made) if made else np.zeros((0, self.size, self.size, 4), np.uint8)

    @torch.inference_mode()
    def encode(self, crops: Crops) -> Floats:
        """Return the (N, Z) posterior means of crops. Raises `DataError` if they are of other classes or sizes."""
        known = self.conditions
        if (crops.classes, crops.names) != (known.classes, known.names) or crops.rgba.shape[1] != self.size:
            raise DataError(
                f"crop generator: expected crops of {self.size} pixels with the classes {', '.join(known.classes)} "
                f"and the attributes {', '.join(known.names)}, got {crops.rgba.shape[1]} pixels with "
                f"{', '.join(crops.classes)} and {', '.join(crops.names)}"
            )
        given = (
            torch.from_numpy(premultiply(crops.rgba)).permute(0, 3, 1, 2),
            torch.from_numpy(crops.labels),
            torch.from_numpy(known.standardised(crops.attributes)),
        )
        parts = zip(*(torch.split(tensor, _BATCH) for tensor in given), strict=True)
        return np.concatenate([self.model.encode(*part)[0].double().numpy() for part in parts])

    def save(self, path: Path) -> None:
        """Write the file in one move: a killed run leaves the old file or the new one."""
        known = self.conditions
        write_plain(
            path,
            {
                "format": FORMAT,
                "kind": self.kind,
                "size": self.size,
                "network": asdict(self.network),
                "classes": list(known.classes),
                "names": list(known.names),
                "upright": known.upright,
                "labels": torch.from_numpy(known.labels),
                "table": torch.from_numpy(np.column_stack([known.attributes, known.side_px, known.side_m])),
                "law": self.law.state(),
                "state_dict": {key: value.detach().clone() for key, value in self.model.state_dict().items()},
            },
        )

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a file. Raises `CheckpointError`: missing, damaged, holds code, or is no crop generator."""
        content = read_plain(path)
        if not isinstance(content, dict) or content.get("format") != FORMAT:
            raise CheckpointError(f"{path}: expected a crop generator ({FORMAT}), but it is another kind of file")
        try:
            return cls._of(content)
        except (KeyError, TypeError, ValueError, RuntimeError, AttributeError):
            raise CheckpointError(f"{path}: expected a whole crop generator, but its parts do not fit") from None

    @classmethod
    def _of(cls, content: dict[str, Any]) -> Self:
        classes, names, size = tuple(content["classes"]), tuple(content["names"]), int(content["size"])
        table, labels = content["table"].double().numpy(), content["labels"].long().numpy()
        scale = table[:, -2], table[:, -1]
        conditions = Conditions(classes, names, labels, table[:, : len(names)], *scale, bool(content["upright"]))
        network = Network(**content["network"])
        model = CropVae(network, size, len(classes), len(names))
        model.load_state_dict(content["state_dict"])
        law = LatentLaw(**content["law"])
        return cls(model, law, conditions, network, size, str(content["kind"]))


def to_pixels(logits: Tensor) -> Pixels:
    """Return (N, S, S, 4) uint8 straight colours and alpha of (N, 4, S, S) logits."""
    return (logits.sigmoid() * 255).round().permute(0, 2, 3, 1).to(torch.uint8).contiguous().numpy()
