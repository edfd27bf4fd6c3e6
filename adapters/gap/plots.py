"""The plots of the gap's page, as matplotlib figures."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from sklearn.manifold import TSNE

from simgen.adapters.gap.divergences import BINS, principal_components
from simgen.adapters.gap.features import Distances, Rows, scaled
from simgen.adapters.report.embed import SOURCE, TARGET, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = NDArray[np.float64]
MOST_POINTS = 500
_COLUMNS = 4
_SHOWN = (0.01, 0.99)
_EMBED_FROM = 30
_PERPLEXITY = 30.0


def histograms(source: Mapping[str, Array], target: Mapping[str, Array], titles: Mapping[str, str]) -> "Figure":
    """Draw one histogram, in shares, of each titled statistic; what lies beyond the middle 98 % is in the last bars."""
    rows = -(-len(titles) // _COLUMNS)
    figure = new_figure((3.0 * _COLUMNS, 2.3 * rows + 0.4))
    places = figure.subplots(rows, _COLUMNS, squeeze=False).ravel()
    for axes, (name, title) in zip(places, titles.items(), strict=False):
        both = [(source[name], SOURCE, "source"), (target[name], TARGET, "target")]
        pooled = np.concatenate([values for values, _, _ in both])
        low, high = np.quantile(pooled, _SHOWN)
        edges = np.linspace(low, high + 1e-9, BINS + 1)
        for values, color, label in both:
            weights = np.full(len(values), 1 / len(values))
            axes.hist(np.clip(values, low, high), edges, weights=weights, color=color, alpha=0.55, label=label)
            axes.axvline(float(np.median(values)), color=color, lw=1.5)
        axes.set_title(title, fontsize=9)
        axes.tick_params(labelsize=7)
        axes.set_yticks([])
    for axes in places[len(titles) :]:
        axes.set_axis_off()
    handles, labels = places[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper right", ncols=2, fontsize=9)
    return figure


def neighbour_map(rows: Array, seed: int) -> Array:
    """Return the (n, 2) t-SNE map (van der Maaten and Hinton 2008) of (n, d) rows, from their principal components."""
    reduced = principal_components(rows, _EMBED_FROM)
    perplexity = min(_PERPLEXITY, (len(reduced) - 1) / 3)
    flat = reduced.shape[1] < 2 or not reduced[:, 0].std()
    tsne = TSNE(2, perplexity=perplexity, init="random" if flat else "pca", random_state=seed)
    return np.asarray(tsne.fit_transform(reduced), float)


def embedding(source: Rows, target: Rows, seed: int) -> "Figure":
    """Draw a map of both sets' rows, in which neighbours stay neighbours."""
    a, b = scaled(source, target)
    points = neighbour_map(np.concatenate([a.values, b.values]), seed)
    figure = new_figure((5.6, 5.0))
    axes = figure.subplots()
    for part, color, label in (
        (points[: len(a.values)], SOURCE, "source"),
        (points[len(a.values) :], TARGET, "target"),
    ):
        axes.scatter(part[:, 0], part[:, 1], s=9, color=color, alpha=0.6, lw=0, label=label)
    axes.set(title="Map of the features (t-SNE)", xticks=[], yticks=[])
    figure.legend(loc="outside lower center", ncols=2, fontsize=9)
    return figure


def per_class(found: Mapping[str, Distances]) -> "Figure":
    """Draw each class's proxy A-distance as a bar."""
    figure = new_figure((5.6, 1.2 + 0.32 * len(found)))
    axes = figure.subplots()
    rows = range(len(found))
    axes.barh(rows, [one.domain.a_distance for one in found.values()], color=SOURCE)
    axes.set_yticks(rows, list(found), parse_math=False)
    axes.set(xlim=(0, 2), ylim=(len(found) - 0.5, -0.5), xlabel="proxy A-distance of the objects' crops")
    return figure
