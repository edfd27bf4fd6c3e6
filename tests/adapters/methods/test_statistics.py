"""DAN, JAN and CORAL: which kernels and vectors their distances are made of, and when they count."""

import pytest
import torch
from point_fakes import PointModel, PointTask, points, seen

from simgen.adapters.functional.discrepancy import coral, gaussian_kernels, squared_mmd
from simgen.adapters.functional.gradients import reversal_strength
from simgen.adapters.methods import METHODS, Method, Setup

SOURCE, TARGET = points(6, seed=1), seen(points(4, seed=2))


def _made(kind: str) -> tuple[PointModel, Method]:
    torch.manual_seed(0)
    return PointModel(), METHODS[kind](Setup(PointTask(), 8, 2), weight=3.0)  # type: ignore[call-arg]


def _layers(model: PointModel) -> tuple[torch.Tensor, torch.Tensor]:
    features = model.features(torch.cat([SOURCE["x"], TARGET.strong["x"]]))
    return features, model.predict(features)


def test_dan_adds_the_distances_of_vectors_and_logits():
    model, method = _made("dan")
    expected = sum(squared_mmd(gaussian_kernels(layer), 6) for layer in _layers(model))
    found = method.losses(model, SOURCE, TARGET, 0.2)
    assert float(found["mmd"]) == pytest.approx(3 * reversal_strength(0.2) * float(expected), rel=1e-5)


def test_jan_multiplies_the_kernels_of_vectors_and_softmax():
    model, method = _made("jan")
    features, logits = _layers(model)
    expected = squared_mmd(gaussian_kernels(features) * gaussian_kernels(logits.softmax(1)), 6)
    found = method.losses(model, SOURCE, TARGET, 0.2)
    assert float(found["jmmd"]) == pytest.approx(3 * reversal_strength(0.2) * float(expected), rel=1e-5)


def test_coral_compares_vectors_from_the_first_step_on():
    model, method = _made("coral")
    features, _ = _layers(model)
    found = method.losses(model, SOURCE, TARGET, 0.0)
    assert float(found["coral"]) == pytest.approx(3 * float(coral(features[:6], features[6:])), rel=1e-5)


@pytest.mark.parametrize("kind", ["dan", "jan"])
def test_weights_rise_from_nothing(kind: str):
    model, method = _made(kind)
    losses = method.losses(model, SOURCE, TARGET, 0.0)
    assert [float(v) for k, v in losses.items() if k.endswith("mmd")] == [0.0]


@pytest.mark.parametrize("kind", ["dann", "cdan", "mcd", "dan", "jan", "coral"])
@pytest.mark.parametrize(("n", "m"), [(2, 2), (2, 7), (9, 3)])
def test_small_and_unequal_batches_of_one_class_give_finite_gradients(kind: str, n: int, m: int):
    torch.manual_seed(0)
    model, method = PointModel(), METHODS[kind](Setup(PointTask(), 8, 2, fresh=PointModel))
    source = {**points(n, seed=1), "y": torch.zeros(n, dtype=torch.long)}
    target = seen(points(m, seed=2))
    sum(method.losses(model, source, target, 0.5).values(), torch.zeros(())).backward()
    gradients = [p.grad for p in model.parameters() if p.grad is not None]
    assert len(gradients) == len(list(model.parameters()))
    assert all(g.isfinite().all() for g in gradients)
