"""From the position of the target in the source's distribution to a sentence, and to the axis to move.

A finding needs two things: the sets differ beyond chance (Kolmogorov-Smirnov, Holm's correction over all statistics),
and either the target's median lies in the outer tenth of the source, or so many target values lie beyond the source's
outer fortieths that its range is too narrow. A source that is wider than the target is how domain randomization is
meant to be, and no finding.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import ks_2samp

from simgen.adapters.gap.axes import Axis, Scene, fitting
from simgen.adapters.gap.divergences import js_bits, kl_bits, scaled_wasserstein, shared_histograms
from simgen.adapters.gap.shift import Priors

Array = NDArray[np.float64]
OUTER = 0.1
TAIL = 0.025
OUTSIDE = 0.15
SIGNIFICANT = 0.05
LEAST_VARIATION = 0.05
_EXACT = 1000
WEIGHTS = "objects.items"
"""The key that holds how often each class of a user's own objects is drawn."""


@dataclass(frozen=True)
class Words:
    """How a statistic is spoken of: its subject, what lower and higher values are called, what else to do."""

    subject: str
    lower: str
    higher: str
    unit: str = ""
    besides: str = ""


WORDS: dict[str, Words] = {
    "brightness": Words("target images", "darker", "brighter"),
    "contrast": Words("target images", "flatter in contrast", "stronger in contrast"),
    "chroma": Words("target images", "paler in colour", "more colourful"),
    "green_red": Words("target images", "greener", "redder"),
    "blue_yellow": Words("target images", "bluer", "yellower"),
    "sharpness": Words("target images", "less sharp", "sharper"),
    "noise": Words("target images", "less noisy", "noisier", " grey levels"),
    "objects": Words("target images", "emptier", "fuller", " objects"),
    "box_size": Words("target boxes", "smaller", "larger", besides="let crop.scale of the training reach there"),
    "box_aspect": Words(
        "target boxes", "nearer to squares", "longer", besides="if people drew them, look at box.square of the training"
    ),
}


@dataclass(frozen=True)
class StatisticGap:
    """One statistic in both sets.

    Attributes:
        name: of the statistic.
        source_median: and
        target_median: in the statistic's own units.
        position: share of source values below the target's median (ties count half), 0.5 in the middle.
        below: share of target values under the source's lower `TAIL` quantile.
        above: share of target values over its upper one.
        wasserstein: in standard deviations within the sets; the order of the findings.
        js_bits: of the shared histograms.
        kl_bits: KL(target || source) of the same.
        p_value: Kolmogorov-Smirnov, not corrected.
    """

    name: str
    source_median: float
    target_median: float
    position: float
    below: float
    above: float
    wasserstein: float
    js_bits: float
    kl_bits: float
    p_value: float


@dataclass(frozen=True)
class Finding:
    """Something to move.

    Attributes:
        statistic: that shows it.
        text: the sentence.
        axes: the keys it names, in its order.
        size: in standard deviations within the sets.
    """

    statistic: str
    text: str
    axes: tuple[str, ...]
    size: float


def compare_statistic(name: str, source: Array, target: Array) -> StatisticGap:
    """Compare the values of one statistic, (n,) of the source and (m,) of the target."""
    middle = float(np.median(target))
    low, high = np.quantile(source, [TAIL, 1 - TAIL])
    p, q = shared_histograms(source, target)
    return StatisticGap(
        name,
        float(np.median(source)),
        middle,
        float((source < middle).mean() + (source == middle).mean() / 2),
        float((target < low).mean()),
        float((target > high).mean()),
        scaled_wasserstein(source, target),
        js_bits(p, q),
        kl_bits(q, p),
        float(ks_2samp(source, target, method="exact" if len(source) + len(target) < _EXACT else "asymp").pvalue),
    )


def find(gaps: Sequence[StatisticGap], scene: Scene | None) -> tuple[Finding, ...]:
    """Return what to move, the largest gap first; nothing where the sets agree.

    Args:
        gaps: one for each statistic.
        scene: of the source, to name only keys that it has, and what they say now.
    """
    real = holm({gap.name: gap.p_value for gap in gaps})
    found = [finding for gap in gaps if gap.name in real and (finding := _finding(gap, scene)) is not None]
    return by_size(found)


def find_class(priors: Priors | None, scene: Scene | None) -> tuple[Finding, ...]:
    """Return a finding about the class whose frequency differs most; nothing where frequencies agree.

    The target's frequencies are those of its labels, else the first estimate. The size is the difference over the
    standard deviation of "is of this class" in the source.
    """
    if priors is None or priors.p_value > SIGNIFICANT or priors.variation < LEAST_VARIATION:
        return ()
    target = priors.target if priors.target is not None else next(iter(priors.estimates.values())).share
    deviation = np.sqrt(np.maximum(priors.source * (1 - priors.source), 1e-4))
    sizes = np.abs(target - priors.source) / deviation
    k = int(sizes.argmax())
    what = (
        f'class "{priors.classes[k]}" makes {_percent(float(target[k]))} of the target\'s objects and '
        f"{_percent(float(priors.source[k]))} of yours"
    )
    word = "raise" if target[k] > priors.source[k] else "lower"
    weighed = scene is None or scene.section("objects") is not None
    advice = f"{word} its weight in {WEIGHTS}" if weighed else "no key of your scene sets it; weigh it in training"
    return (Finding("classes", f"{what}: {advice}", (WEIGHTS,) if weighed else (), float(sizes[k])),)


def by_size(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return the findings with the largest first."""
    return tuple(sorted(findings, key=lambda finding: -finding.size))


def holm(p_values: Mapping[str, float], level: float = SIGNIFICANT) -> set[str]:
    """Return the names whose hypothesis Holm's procedure rejects (Holm 1979)."""
    rejected: set[str] = set()
    for rank, (name, p_value) in enumerate(sorted(p_values.items(), key=lambda item: item[1])):
        if p_value > level / (len(p_values) - rank):
            break
        rejected.add(name)
    return rejected


def _finding(gap: StatisticGap, scene: Scene | None) -> Finding | None:
    words = WORDS[gap.name]
    shift = gap.target_median - gap.source_median
    if not OUTER <= gap.position <= 1 - OUTER:
        word, share = (words.lower, 1 - gap.position) if shift < 0 else (words.higher, gap.position)
        what = (
            f"{words.subject} are {_short(abs(shift))}{words.unit} {word} (median {_short(gap.target_median)} against "
            f"{_short(gap.source_median)}), {word} than {_percent(share)} of yours"
        )
        direction = 1 if shift > 0 else -1
        return _with_axes(gap, what, scene, direction, widen=False)
    if max(gap.below, gap.above) > OUTSIDE:
        direction, share = (1, gap.above) if gap.above >= gap.below else (-1, gap.below)
        word = words.higher if direction > 0 else words.lower
        what = f"{_percent(share)} of the {words.subject} are {word} than nearly all of yours"
        return _with_axes(gap, what, scene, direction, widen=True)
    return None


def _with_axes(gap: StatisticGap, what: str, scene: Scene | None, direction: int, *, widen: bool) -> Finding:
    axes = fitting(gap.name, scene)
    besides = WORDS[gap.name].besides
    advice = [*(_advice(axis, says, direction, widen) for axis, says in axes), *([besides] if besides else [])]
    text = f"{what}: {', or '.join(advice)}" if advice else what
    return Finding(gap.name, text, tuple(axis.key for axis, _ in axes), gap.wasserstein)


def _advice(axis: Axis, says: str, direction: int, widen: bool) -> str:
    sense = axis.sign * direction
    note = f" ({says})" if says else ""
    if sense == 0:
        return f"widen {axis.key}{note}"
    if widen:
        return f"widen {axis.key} {'upwards' if sense > 0 else 'downwards'}{note}"
    return f"{'raise' if sense > 0 else 'lower'} {axis.key}{note}"


def _short(value: float) -> str:
    return f"{value:.3g}" if abs(value) < 100 else f"{value:.0f}"


def _percent(share: float) -> str:
    return "all" if share >= 1 else f"{min(100 * share, 99.9):.3g} %"
