"""Crops that have passed the gate, as many as were wanted."""

import numpy as np
from pixel_fakes import SIZE, crops, settings

from simgen.rare.pixels.gate import Gate, GateRules
from simgen.rare.pixels.generator import CropGenerator, Wish
from simgen.rare.pixels.steps import Trainer
from simgen.rare.pixels.supply import MOST, supply

WISH = Wish("square", {"light": (0.4, 0.6)})


def generator() -> CropGenerator:
    trainer = Trainer(settings(), crops(), None)
    law = trainer.fit_latents(np.arange(24))
    return CropGenerator(trainer.average, law, trainer.conditions, settings().network, SIZE, "vae")


def some_pass(rgba: np.ndarray) -> np.ndarray:
    """Return probabilities that let the crops with the redder half of this batch in as squares."""
    red = rgba[..., 0].mean((1, 2))
    square = (red > np.median(red)).astype(float)
    return np.column_stack([1 - square, square])


def lenient(classifier) -> Gate:
    """Return a gate that finds every crop real and none a copy."""

    def features(rgba: np.ndarray) -> np.ndarray:
        real = len(rgba) == len(crops())
        return (np.arange(len(rgba)) // 2 if real else np.full(len(rgba), 5.5))[:, None].astype(float)

    return Gate(crops(), classifier, features, GateRules(copies=0.0))


def test_only_what_the_gate_lets_in_is_supplied():
    found = supply(generator(), WISH, 40, lenient(some_pass), np.random.default_rng(0))
    assert len(found.crops) == len(found.latents) == 40
    assert len(found.verdicts) >= 80
    assert 40 <= sum(v.accepted for v in found.verdicts) < len(found.verdicts)
    again = generator().decode(found.latents, found.crops.labels, found.crops.attributes)
    assert np.abs(again.astype(int) - found.crops.rgba).max() <= 1
    assert (found.crops.labels == 1).all()


def test_a_gate_that_lets_nothing_in_ends_the_search():
    nothing = lenient(lambda rgba: np.tile([1.0, 0.0], (len(rgba), 1)))
    found = supply(generator(), WISH, 2, nothing, np.random.default_rng(0))
    assert len(found.crops) == 0
    assert found.crops.rgba.shape == (0, SIZE, SIZE, 4)
    assert len(found.verdicts) == MOST * 32


def test_without_a_gate_all_are_taken():
    found = supply(generator(), WISH, 5, None, np.random.default_rng(0))
    assert len(found.crops) == 5
    assert found.verdicts == ()
