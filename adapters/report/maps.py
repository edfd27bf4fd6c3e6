"""Maps of what encoders make of objects of both domains: by domain, and by class."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from simgen.adapters.gap.divergences import principal_components
from simgen.adapters.gap.domains import FOLDS, domain_test
from simgen.adapters.gap.features import Rows, scaled
from simgen.adapters.gap.plots import neighbour_map
from simgen.adapters.report.embed import SOURCE, TARGET, add_legend, new_figure, png_uri

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from simgen.adapters.experiment import Embedding

Array = NDArray[np.float64]
_LEAST_OBJECTS = 10
_LISTED = 20


def component_maps(found: "Sequence[Embedding]") -> str:
    """Return the first two principal components of each model's vectors."""
    return _maps(found, _components)


def neighbour_maps(found: "Sequence[Embedding]", seed: int) -> str:
    """Return the t-SNE map of each model's vectors."""
    return _maps(found, lambda rows: (neighbour_map(rows, seed), ("", "")))


def domain_distance(found: "Embedding", seed: int) -> float | None:
    """Return the proxy A-distance of the domains in a model's vectors: 0 not told apart, 2 always; None if too few."""
    both = Rows(found.source.vectors, found.source.image), Rows(found.target.vectors, found.target.image)
    if min(len(np.unique(rows.image)) for rows in both) < FOLDS:
        return None
    source, target = scaled(*both)
    groups = np.concatenate([source.image, target.image + source.image.max() + 1])
    return domain_test(source.values, target.values, groups, seed).a_distance


def worth_showing(found: "Embedding") -> bool:
    """Whether there are enough objects of both domains for a map."""
    return min(len(found.source.vectors), len(found.target.vectors)) >= _LEAST_OBJECTS


def _maps(found: "Sequence[Embedding]", project: Callable[[Array], tuple[Array, tuple[str, str]]]) -> str:
    figure = new_figure((8.4, 4.0 * len(found) + 0.6))
    classes = found[0].classes
    rows = figure.subplots(len(found), 2, squeeze=False)
    for (left, right), one in zip(rows, found, strict=True):
        source, target = scaled(Rows(one.source.vectors, one.source.image), Rows(one.target.vectors, one.target.image))
        points, labels = project(np.concatenate([source.values, target.values]))
        target_from = len(source.values)
        _by_domain(left, points, target_from)
        _by_class(right, points, target_from, [classes.index(n) for n in (*one.source.classes, *one.target.classes)])
        for axes, what in ((left, "domain"), (right, "class")):
            axes.set(xticks=[], yticks=[], xlabel=labels[0], ylabel=labels[1])
            axes.set_title(f"{one.name}: by {what}", fontsize=10, parse_math=False)
    left, right = rows[0]
    handles = [*left.get_legend_handles_labels()[0]]
    if len(classes) <= _LISTED:
        handles += [right.scatter([], [], s=20, color=_color(k), label=name) for k, name in enumerate(classes)]
    add_legend(figure, handles=handles, ncols=min(12, len(handles)))
    return png_uri(figure)


def _components(rows: Array) -> tuple[Array, tuple[str, str]]:
    every = principal_components(rows, rows.shape[1])
    shares = every.var(axis=0) / max(float(every.var(axis=0).sum()), 1e-12)
    points = np.pad(every[:, :2], ((0, 0), (0, max(0, 2 - every.shape[1]))))
    texts = [f"principal component {k + 1} ({100 * share:.0f} % of the variance)" for k, share in enumerate(shares[:2])]
    return points, (texts[0], texts[1] if len(texts) > 1 else "")


def _by_domain(axes: "Axes", points: Array, target_from: int) -> None:
    for part, color, label in ((points[:target_from], SOURCE, "source"), (points[target_from:], TARGET, "photographs")):
        axes.scatter(part[:, 0], part[:, 1], s=9, color=color, alpha=0.55, lw=0, label=label)


def _by_class(axes: "Axes", points: Array, target_from: int, classes: Sequence[int]) -> None:
    """Draw dots for the source and crosses for photographs."""
    colors, (x, y) = [_color(k) for k in classes], points.T
    axes.scatter(x[:target_from], y[:target_from], s=9, c=colors[:target_from], alpha=0.55, lw=0)
    axes.scatter(x[target_from:], y[target_from:], s=14, c=colors[target_from:], alpha=0.8, lw=0.8, marker="x")


def _color(number: int) -> tuple[float, ...]:
    from matplotlib import colormaps

    return tuple(colormaps["tab10" if number < 10 else "tab20b"](number % (10 if number < 10 else 20)))
