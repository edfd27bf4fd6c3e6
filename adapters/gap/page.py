"""The gap as files: gap.json and one HTML page that opens offline."""

import json
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from simgen.adapters.gap import plots
from simgen.adapters.gap.compare import Gap, feature_rows
from simgen.adapters.gap.features import Distances, Rows, remoteness, scaled
from simgen.adapters.gap.findings import StatisticGap
from simgen.adapters.report.embed import jpeg_uri, page_template, png_uri
from simgen.errors import OutputError
from simgen.formats.coco import ImageRecord
from simgen.rng import stream

Array = NDArray[np.float64]
EXAMPLES = 4
_THUMB_PX = 240
TITLES = {
    "brightness": "brightness (mean luma)",
    "contrast": "contrast (std of luma)",
    "chroma": "colour (mean chroma)",
    "green_red": "green to red (mean a*)",
    "blue_yellow": "blue to yellow (mean b*)",
    "sharpness": "sharpness (log10 var. of LoG)",
    "noise": "noise (sigma, grey levels)",
    "objects": "objects a picture",
    "box_size": "box size (root of area share)",
    "box_aspect": "box aspect (long / short side)",
}


def require_folder(out: Path) -> None:
    """Raise `OutputError` where `write_gap` could not write, before the work is done."""
    if out.exists() and not out.is_dir():
        raise OutputError(f'output "{out}": expected a folder, got a file')


def write_gap(gap: Gap, out: Path) -> Path:
    """Write gap.json and gap.html into a folder; return the page's path.

    Raises:
        OutputError: it cannot be written.
    """
    content = json.dumps(gap.as_dict(), indent=1, sort_keys=True)
    page = render(gap)
    try:
        out.mkdir(parents=True, exist_ok=True)
        (out / "gap.json").write_text(content + "\n", "utf-8")
        (out / "gap.html").write_text(page, "utf-8")
    except OSError as error:
        raise OutputError(f'output "{out}": cannot be written: {error.strerror}') from None
    return out / "gap.html"


def render(gap: Gap) -> str:
    """Return the page."""
    seed = gap.config.seed
    points = [feature_rows(o, seed).some(plots.MOST_POINTS, stream(seed, 0, "gap.map")) for o in gap.pair]
    titles = {statistic.name: TITLES[statistic.name] for statistic in gap.statistics}
    figures = [plots.embedding(points[0], points[1], seed)]
    figures += [plots.per_class(gap.per_class)] if gap.per_class else []
    return page_template("gap.html").render(
        p_text=p_text,
        title=f"Gap: {_name(gap.source.data.root)} to {_name(gap.target.data.root)}",
        gap=gap,
        distances=_distance_rows(gap.distances, gap.floor),
        statistics=[(titles[s.name], s, _verdict(s, gap)) for s in gap.statistics],
        histograms=png_uri(plots.histograms(gap.source.statistics, gap.target.statistics, titles)),
        plots=[png_uri(figure) for figure in figures],
        priors=_prior_rows(gap),
        examples=_examples(gap),
    )


def p_text(p_value: float) -> str:
    """Return "p = 0.023", or "p < 0.001"."""
    return "p < 0.001" if p_value < 0.001 else f"p = {p_value:.3f}"


def _name(root: Path) -> str:
    return root.name or str(root)


def _distance_rows(found: Distances, floor: Distances | None) -> list[tuple[str, str, str, str]]:
    def column(one: Distances | None) -> list[str]:
        if one is None:
            return ["–"] * 7
        domain = one.domain
        return [
            f"{one.mmd2:.4f} ({p_text(one.mmd_p_value)})",
            f"{one.kernel_distance:.4f}",
            f"{one.frechet:.2f}",
            f"{one.kl_bits:.2f} bits",
            f"{domain.js_bits:.3f} bits or more",
            f"{domain.a_distance:.2f}",
            f"{domain.accuracy:.3f} ({p_text(domain.p_value)})",
        ]

    names = (
        ("MMD squared", "0 for equal sets; unbiased, so it may be negative"),
        ("kernel distance (KID)", "the same under a polynomial kernel"),
        ("Frechet distance", "of Gaussians; grows where there are few pictures"),
        ("KL divergence", "target from source, by nearest neighbours"),
        ("Jensen-Shannon divergence", "0 to 1 bit, at least this"),
        ("proxy A-distance", "0 not told apart, 2 always told apart"),
        ("domain classifier's accuracy", "0.5 is guessing"),
    )
    columns = zip(column(found), column(floor), strict=True)
    return [(name, here, within, note) for (name, note), (here, within) in zip(names, columns, strict=True)]


def _verdict(statistic: StatisticGap, gap: Gap) -> str:
    if any(finding.statistic == statistic.name for finding in gap.findings):
        return "move"
    return "agrees" if statistic.p_value > 0.05 else "differs, but the source covers it"


def _prior_rows(gap: Gap) -> list[list[str]]:
    priors = gap.shift.priors
    if priors is None:
        return []
    rows = []
    for k, name in enumerate(priors.classes):
        target = "–" if priors.target is None else f"{priors.target[k]:.3f}"
        estimates = [f"{e.share[k]:.3f} [{e.low[k]:.3f}, {e.high[k]:.3f}]" for e in priors.estimates.values()]
        rows.append([name, f"{priors.source[k]:.3f}", target, *estimates])
    return rows


def _examples(gap: Gap) -> list[tuple[str, list[tuple[str, str]]]]:
    """Return (heading, [(picture, caption)]): the nearest and the farthest pictures of both sets."""
    source, target = scaled(*(feature_rows(o, gap.config.seed) for o in gap.pair))
    groups = []
    sides = (("Target", gap.target, target, source), ("Source", gap.source, source, target))
    for name, observed, rows, others in sides:
        images, values = _by_image(rows, remoteness(rows, others))
        order = images[np.argsort(values, kind="stable")]
        other = "source" if name == "Target" else "target"
        for word, numbers in (("nearest to", order[:EXAMPLES]), ("farthest from", order[::-1][:EXAMPLES])):
            pictures = [_thumb(observed.data.records[k]) for k in numbers]
            groups.append((f"{name} pictures {word} the {other}", pictures))
    return groups


def _by_image(rows: Rows, values: Array) -> tuple[NDArray[np.int64], Array]:
    images, place = np.unique(rows.image, return_inverse=True)
    return images, np.bincount(place, values) / np.bincount(place)


def _thumb(record: ImageRecord) -> tuple[str, str]:
    rgb = record.rgb()
    scale = _THUMB_PX / max(rgb.shape[:2])
    size = (max(1, round(rgb.shape[1] * scale)), max(1, round(rgb.shape[0] * scale)))
    interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_NEAREST
    return jpeg_uri(np.asarray(cv2.resize(rgb, size, interpolation=interpolation), np.uint8)), record.path.name
