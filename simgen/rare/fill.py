"""A dataset of rare cases: what a plan asks for, made in one of several ways; it goes on where it was stopped.

    result = fill(fill_job(data, plan, out, "simulate", config=scenes_for(data, None)), plan)

The ways are those of `simgen.rare.job.HOW`.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

from simgen.engine import Engine, LocalEngine
from simgen.formats.coco import CocoWriter
from simgen.rare.job import FillJob
from simgen.rare.outcome import Filled, Outcome, filled
from simgen.rare.plan import Plan

_SHARD = 2
ROUNDS = 20
"""So often a sample that the gate refuses is made anew."""


def make_fill_shard(job: FillJob, indices: tuple[int, ...]) -> list[tuple[int, Outcome]]:
    """Make and write some samples; return what came of each. Runs in a worker process."""
    import cv2

    cv2.setNumThreads(1)
    writer = job.writer()
    asked = Counter(cell for _, cell, _ in job.order)
    return [(index, _made(job, writer, index, asked[job.order[index][1]])) for index in indices]


def _made(job: FillJob, writer: CocoWriter, index: int, asked: int) -> Outcome:
    """Make a sample until the gate lets it in; its number in later rounds follows on those of the first."""
    way, cell, number = job.order[index]
    tried: Counter[str] = Counter()
    refused: list[tuple[str, ...]] = []
    for turn in range(1 if job.gate is None else ROUNDS):
        made = job.makers[way].make(cell, number + turn * asked)
        tried.update(made.tried)
        if made.sample is None:
            break
        if job.gate is not None:
            refused.append(tuple(job.gate.refusals(made.sample, made.sample.metadata["source"]["annotations"])))
        if not refused or not refused[-1]:
            found = Outcome(dict(tried), tuple(refused))
            writer.write(replace(found.noted(made.sample), index=index))
            return found
    return Outcome(dict(tried), tuple(refused))


def fill(
    job: FillJob, plan: Plan, engine: Engine | None = None, progress: Callable[[int], None] | None = None
) -> list[Filled]:
    """Make the samples that are not there yet; return what came of each cell that was asked for.

    Args:
        job: of `fill_job`.
        plan: it was made of.
        engine: where the shards run; default: this process.
        progress: called with the number of samples (first with those found).

    Raises:
        OutputError: the folder holds other data.
    """
    writer = job.writer()
    report = progress or (lambda _: None)
    done = writer.done()
    missing = [index for index in range(len(job.order)) if index not in done]
    report(len(job.order) - len(missing))
    outcomes: dict[int, Outcome] = {}
    shards = [tuple(missing[i : i + _SHARD]) for i in range(0, len(missing), _SHARD)]
    for shard, results in (engine or LocalEngine(1)).run(make_fill_shard, job, shards):
        outcomes.update(results)
        report(len(shard))
    writer.close()
    weights: dict[int, float] = {}
    for index in sorted(writer.done()):
        source = writer.metadata(index)["source"]
        weights[index], outcomes[index] = float(source["weight"]), Outcome.of(source)
    parts: dict[int, list[int]] = {}
    for index, (_, cell, _) in enumerate(job.order):
        parts.setdefault(cell, []).append(index)
    return [filled(plan.entries[cell], parts[cell], outcomes, weights) for cell in sorted(parts)]
