"""Walks through latents."""

import numpy as np
import pytest
from pixel_fakes import SIZE, crops, settings

from simgen.errors import DataError
from simgen.rare.pixels.generator import CropGenerator
from simgen.rare.pixels.latent import edited, interpolated, interpolations, lerp, slerp
from simgen.rare.pixels.steps import Trainer


def generator() -> CropGenerator:
    trainer = Trainer(settings(), crops(), None)
    law = trainer.fit_latents(np.arange(24))
    return CropGenerator(trainer.average, law, trainer.conditions, settings().network, SIZE, "vae")


def test_a_great_circle_keeps_the_length_and_divides_the_angle():
    a, b = np.array([[2.0, 0, 0]] * 3), np.array([[0, 2.0, 0]] * 3)
    t = np.array([0.0, 0.25, 1.0])
    way = slerp(a, b, t)
    assert np.linalg.norm(way, axis=1) == pytest.approx([2, 2, 2])
    assert np.arctan2(way[:, 1], way[:, 0]) == pytest.approx(t * np.pi / 2)
    assert lerp(a, b, t)[1] == pytest.approx([1.5, 0.5, 0])


def test_parallel_and_empty_rows_go_straight():
    a = np.array([[1.0, 0], [1.0, 0], [0.0, 0]])
    b = np.array([[3.0, 0], [-1.0, 0], [0.0, 4.0]])
    t = np.full(3, 0.25)
    assert slerp(a, b, t) == pytest.approx(lerp(a, b, t))


def test_the_way_between_two_crops_starts_and_ends_at_their_decodings():
    net, some = generator(), crops()
    way = interpolated(net, some, (1, 3), [0.0, 0.5, 1.0])
    latents = net.encode(some)
    ends = net.decode(latents[[1, 3]], some.labels[[1, 3]], some.attributes[[1, 3]])
    assert np.abs(way.rgba[[0, 2]].astype(int) - ends).max() <= 1
    assert way.attributes[1] == pytest.approx(some.attributes[[1, 3]].mean(0))
    assert (way.labels == 1).all()
    assert way.sources[1] == "0.png#1 to 1.png#0 at 0.500"


def test_random_ways_stay_within_a_class_and_between_the_examples():
    net, some = generator(), crops(6).take([0, 1, 3, 5])  # one disc, three squares
    made, latents = interpolations(net, some, 20, np.random.default_rng(0))
    assert (made.labels == 1).all()
    assert latents.shape == (20, 4)
    light = some.attribute("light")[1:]
    assert made.attribute("light").min() > light.min()
    assert made.attribute("light").max() < light.max()
    again, _ = interpolations(net, some, 20, np.random.default_rng(0))
    assert (again.rgba == made.rgba).all()


def test_an_edit_changes_the_condition_and_no_change_changes_nothing():
    net, some = generator(), crops()
    same, darker = edited(net, some, {}), edited(net, some, {"light": 0.1})
    assert (same.rgba == net.decode(net.encode(some), some.labels, some.attributes)).all()
    assert (darker.rgba != same.rgba).any()
    assert (darker.attribute("light") == 0.1).all()
    assert (darker.attribute("size_px") == some.attribute("size_px")).all()


def test_mistakes_are_sentences():
    net, some = generator(), crops()
    with pytest.raises(DataError, match="expected two crops of one class, got disc and square"):
        interpolated(net, some, (0, 1), [0.5])
    with pytest.raises(DataError, match="expected two crops of one class, got at most one of each"):
        interpolations(net, some.take([0, 1]), 3, np.random.default_rng(0))
    with pytest.raises(DataError, match=r'unknown attribute "ligth" \(did you mean "light"\?\)'):
        edited(net, some, {"ligth": 0.1})
    with pytest.raises(DataError, match=r"expected crops of 16 pixels .* got 32 pixels"):
        net.encode(crops(size=32))


def test_what_cannot_be_walked_or_edited_is_refused():
    with pytest.raises(DataError, match="expected numbers of two of 24 crops, got 0 and 24"):
        interpolated(generator(), crops(), (0, 24), [0.5])
    with pytest.raises(DataError, match=r"expected shares from 0 to 1, got 0\.5, nan"):
        interpolated(generator(), crops(), (0, 2), [0.5, float("nan")])
    with pytest.raises(DataError, match="light: expected a finite number, got inf"):
        edited(generator(), crops(), {"light": float("inf")})
