"""Crops are chosen before they are placed: a scene is rendered only for those whose class a classifier is sure of."""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from simgen.rare.pixels.crops import Crops
from simgen.rare.pixels.gate import Classifier
from simgen.rare.pixels.generator import CropGenerator, Floats, Wish

_BATCH = 64
MOST = 1024
"""So many crops are drawn for a scene before it is given up."""


@dataclass(frozen=True, eq=False)
class Chooser:
    """The eye of the gate's classifier on crops alone; the gate asks it again of the picture that they are placed in.

    Attributes:
        classifier: RGBA crops to probabilities.
        classes: of its columns.
        confidence: the probability that it must give to a crop's class, beside finding it the likeliest.
    """

    classifier: Classifier
    classes: tuple[str, ...]
    confidence: float

    def choose(self, generator: CropGenerator, wish: Wish, count: int, rng: Generator) -> tuple[Crops, Floats, int]:
        """Return 1 to `count` crops of a wish, their latents, and how many were drawn; no crops after `MOST` draws."""
        column = self.classes.index(wish.class_name)
        for drawn in range(_BATCH, MOST + 1, _BATCH):
            crops, latents = generator.sample(wish, _BATCH, rng)
            answers = self.classifier(crops.rgba)
            sure = (answers.argmax(1) == column) & (answers[:, column] >= self.confidence)
            chosen = np.flatnonzero(sure)[:count]
            if len(chosen):
                return crops.take(chosen), latents[chosen], drawn
        return crops.take([]), latents[:0], MOST
