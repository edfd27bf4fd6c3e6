"""Curves of training and maps of embeddings, as matplotlib draws them."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from simgen.adapters.embeddings import Embedded
from simgen.adapters.experiment import Embedding
from simgen.adapters.report import maps, training
from simgen.adapters.report.embed import new_figure, plot_width, png_uri
from simgen.adapters.report.maps import domain_distance, worth_showing
from simgen.adapters.report.pictures import confusion_plot, curves_plot
from simgen.rng import stream


@pytest.fixture
def figures(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The figures that plots are made of."""
    drawn: list[Any] = []
    for module in (training, maps):
        monkeypatch.setattr(module, "png_uri", drawn.append)
    return drawn


def _log(steps: int, **losses: float) -> dict[str, Any]:
    return {"step": np.arange(1.0, steps + 1), **{name: np.full(steps, value) for name, value in losses.items()}}


def test_each_method_has_a_panel_with_a_line_for_every_term_of_every_run(figures: list[Any]):
    logs = {
        "source_only": [_log(300, loss=2.0), _log(300, loss=1.0)],
        "a $x$": [{**_log(300, loss=3, task=1, domain=2)}],
    }
    training.losses_plot(logs)
    first, second, *rest = figures[0].axes
    assert [axes.get_title() for axes in (first, second)] == ["source_only", "a $x$"]
    assert [len(line.get_xdata()) for line in first.lines if len(line.get_xdata())] == [80, 80]
    assert [float(line.get_ydata().mean()) for line in second.lines] == [1, 2, 3]
    assert (second.get_xlabel(), first.get_ylabel()) == ("step", "loss")
    assert [text.get_text() for text in figures[0].legends[0].get_texts()] == ["loss", "task", "domain"]
    assert not any(axes.axison for axes in rest)


def test_validation_has_a_colour_for_each_method(figures: list[Any]):
    logs = {name: [_log(3, accuracy=0.5)] * 2 for name in ("source_only", "dann")}
    training.validation_plot(logs, "accuracy")
    (axes,) = figures[0].axes
    assert axes.get_ylabel() == "accuracy, held-out labelled images"
    assert len({line.get_color() for line in axes.lines}) == 2
    assert [text.get_text() for text in figures[0].legends[0].get_texts()] == ["source_only", "dann"]


def _embedded(seed: int, shift: float) -> Embedded:
    rows = stream(seed, 0, "x").normal(size=(60, 6)) + shift
    return Embedded(rows, np.repeat(range(20), 3), ("one", "two", "three") * 20)


def test_a_map_shows_both_domains_and_every_class(figures: list[Any]):
    one = Embedding("source_only, seed 0", ("one", "two", "three"), _embedded(0, 0), _embedded(1, 4))
    maps.component_maps([one, one])
    maps.neighbour_maps([one], 0)
    assert [len(figure.axes) for figure in figures] == [4, 2]
    left, right = figures[0].axes[:2]
    assert [len(part.get_offsets()) for part in left.collections] == [60, 60]
    assert len(np.unique(right.collections[0].get_facecolors(), axis=0)) == 3
    texts = [text.get_text() for text in figures[0].legends[0].get_texts()]
    assert texts == ["source", "photographs", "one", "two", "three"]
    points = np.concatenate([np.asarray(part.get_offsets()) for part in left.collections])
    rows = np.concatenate([one.source.vectors, one.target.vectors])
    rows = (rows - rows.mean(0)) / rows.std(0)
    spread = np.linalg.svd(rows, compute_uv=False) ** 2
    np.testing.assert_allclose((points**2).sum(0), spread[:2])
    assert left.get_xlabel() == f"principal component 1 ({100 * spread[0] / spread.sum():.0f} % of the variance)"


def test_domains_far_apart_are_told_apart():
    same = Embedding("a", (), _embedded(0, 0), _embedded(1, 0))
    far = Embedding("a", (), _embedded(0, 0), _embedded(1, 9))
    assert domain_distance(far, 0) == pytest.approx(2)
    assert domain_distance(same, 0) < 0.5  # type: ignore[operator]
    few = Embedded(np.zeros((4, 2)), np.arange(4), ("one",) * 4)
    assert domain_distance(Embedding("a", (), few, few), 0) is None
    assert worth_showing(far)
    assert not worth_showing(Embedding("a", (), few, few))


def test_names_with_dollar_signs_are_no_formulas():
    names = (r"$\nosuch$", "b$$")
    one = Embedding(
        r"$\nosuch$", names, replace(_embedded(0, 0), classes=names * 30), replace(_embedded(1, 4), classes=names * 30)
    )
    assert maps.component_maps([one]).startswith("data:image/png")
    assert confusion_plot(np.eye(3, dtype=np.int64), names).startswith("data:image/png")
    assert curves_plot(np.ones((2, 101)), names).startswith("data:image/png")


def test_a_plot_is_shown_at_the_width_that_it_was_drawn_for():
    assert plot_width(png_uri(new_figure((5.2, 1.0)))) == round(5.2 * 96)
