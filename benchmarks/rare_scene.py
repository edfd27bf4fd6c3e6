"""Rare events of the dice scene: plain rejection sampling against proposals in scene space.

    python benchmarks/rare_scene.py --work FOLDER [--seeds 200 201] [--draws 1000] [--attempts 100] [--json OUT]
    python benchmarks/rare_scene.py --work FOLDER --quick

For each seed: draws of the scene generator are simulated and drawn at 160 x 160 pixels (kept in FOLDER), a net learns
from them, and proposes from those of them in which an event was measured. An attempt that does not come to rest, or
cannot be drawn, is a miss, on both sides. Intervals are Wilson's, 95 %. CPU seconds of one thread. `--ablate` measures
three more arms: touching bodies moved each on its own, a net of one training step, and the net without examples.
"""

import argparse
import json
import os
import sys
import time
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from figures import machine, publish
from scipy.stats import binomtest

from simgen.config import Config, load
from simgen.errors import DataError, RenderError
from simgen.generate import draw_scene, render_scene
from simgen.rare.looks import image_luma
from simgen.rare.scenes.fresh import LOOKS
from simgen.rare.scenes.learn import scene_data
from simgen.rare.scenes.maker import BOLDNESS
from simgen.rare.scenes.model import SceneModel
from simgen.rare.scenes.predicates import PREDICATES, dice_of
from simgen.rare.scenes.propose import Attempt, ProposeConfig, Proposer, attempts
from simgen.rare.scenes.rest import settled
from simgen.rare.scenes.train import SceneTrainConfig, train_scenes
from simgen.rare.scenes.vae import VaeConfig
from simgen.samples import Sample
from simgen.scene import scene_to_dict

Draw = dict[str, Any]
SIZE = "output.size_wh=[160,160]"


def drawn(config: Config, seed: int, count: int, file: Path) -> list[Draw]:
    """Return plain draws of the generator, those of the file first; it goes on where it stopped."""
    have = [json.loads(line) for line in file.read_text().splitlines()] if file.is_file() else []
    with file.open("a") as out:
        for index in range(len(have), count):
            have.append(_draw(config, seed, index))
            out.write(json.dumps(have[-1]) + "\n")
            out.flush()
    return have[:count]


def _draw(config: Config, seed: int, index: int) -> Draw:
    start = time.process_time()
    try:
        made = render_scene(config, draw_scene(config, seed, index))
    except RenderError:
        return {"i": index, "ok": False, "cpu": time.process_time() - start}
    found: Draw = {"i": index, "ok": True, "meta": made.metadata, "grey": image_luma(made)}
    found["held"] = {name: predicate(made) for name, predicate in PREDICATES.items()}
    return {**found, "cpu": time.process_time() - start}


def trained(draws: list[Draw], steps: int, seed: int, out: Path) -> tuple[SceneModel, float]:
    """Return the net that learned from some draws, and its CPU seconds."""
    seen = [draw for draw in draws if draw["ok"]]
    start = time.process_time()
    data = scene_data([d["meta"] for d in seen], {name: [d["held"][name] for d in seen] for name in PREDICATES})
    config = SceneTrainConfig(vae=VaeConfig(hidden=64), steps=steps, batch=16, seed=seed)
    model = train_scenes(data, config, out)
    return model, time.process_time() - start


def proposed(model: SceneModel, name: str, config: Config, settings: ProposeConfig, count: int) -> dict[str, Any]:
    """Return what became of some proposals for an event. Raises `DataError` for too few examples."""
    predicate = PREDICATES[name]
    proposer = Proposer(model, name, settings)
    start = time.process_time()
    tries = list(
        islice(attempts(proposer, predicate, config, needs_picture=predicate.needs_picture, draw=False), count)
    )
    cpu = time.process_time() - start
    hits = [attempt for attempt in tries if attempt.sample is not None]
    return {
        "examples": len(proposer.rare),
        **share(len(hits), count),
        "cpu_attempt_s": cpu / count,
        "examples_used": len({hit.proposal.start for hit in hits if hit.proposal}),
        **_unlike(model, hits),
    }


def _unlike(model: SceneModel, hits: list[Attempt]) -> dict[str, float]:
    """Return how far dice of accepted scenes lie from those of the examples they were moved from."""
    shifts, turned = [], []
    for hit in hits:
        assert hit.sample is not None
        assert hit.proposal is not None
        encoded = model.scenes.encoded(hit.proposal.start)
        scene = model.codec.decode(encoded, np.random.default_rng(0))
        poses = {body.name: _pose(body.position_m, body.quat_xyzw) for body in scene.objects}
        example = Sample(0, hit.sample.rgb, (), metadata={"scene": scene_to_dict(scene), "poses": poses})
        (old, faces), (new, new_faces) = dice_of(example), dice_of(hit.sample)
        if len(old) == len(new):
            shifts += np.linalg.norm((old.world_T_box - new.world_T_box)[:, :3, 3], axis=1).tolist()
            turned += (faces != new_faces).tolist()
    if not shifts:
        return {}
    return {"shift_median_mm": 1e3 * float(np.median(shifts)), "faces_changed": float(np.mean(turned))}


def _pose(position_m: Any, quat_xyzw: Any) -> list[float]:
    from simgen.geometry import pose_matrix

    return [float(v) for v in pose_matrix(position_m, quat_xyzw).ravel()]


def share(hits: int, count: int) -> dict[str, float]:
    """Return a share with its interval."""
    low, high = binomtest(hits, count).proportion_ci(method="wilson")
    return {"hits": hits, "attempts": count, "share": hits / count, "low": float(low), "high": float(high)}


def physics_cpu(config: Config, seed: int, count: int) -> float:
    """Return the CPU seconds of a plain draw that is not drawn: what events of poses need."""
    start = time.process_time()
    for index in range(count):
        settled(config, draw_scene(config, seed, index))
    return (time.process_time() - start) / count


def compare(runs: list[dict[str, Any]], name: str, plain: dict[str, Any]) -> dict[str, Any]:
    """Return an event's shares over all seeds, and what the draws and the training cost."""
    found = [
        {**run["proposed"][name], "plain": run["held"][name] / run["draws"]}
        for run in runs
        if "share" in run["proposed"][name]
    ]
    if not found:
        return {"plain": plain}
    scene = pooled(runs, "proposed", name)
    per_hit = sum(f["cpu_attempt_s"] * f["attempts"] for f in found) / max(scene["hits"], 1)
    plain_hit = plain["cpu_attempt_s"] / max(plain["share"], 1e-9)
    fixed = sum(run["draws_cpu_s"] + run["train_cpu_s"] for run in runs) / len(runs)
    train = sum(run["train_cpu_s"] for run in runs) / len(runs)
    return {
        "plain": {**plain, "cpu_accepted_s": plain_hit},
        "scene": {**scene, "cpu_accepted_s": per_hit},
        "ratio": scene["share"] / max(plain["share"], 1e-9),
        "ratio_low": scene["low"] / plain["high"],
        "ratio_by_seed": [f["share"] / max(f["plain"], 1e-9) for f in found],
        "arms": {arm: pooled(runs, arm, name) for arm in ("apart", "untrained", "net_alone") if arm in runs[0]},
        "pays_after_accepted": _break_even(fixed, plain_hit - per_hit),
        "pays_after_accepted_with_dataset": _break_even(train, plain_hit - per_hit),
    }


def pooled(runs: list[dict[str, Any]], arm: str, name: str) -> dict[str, float]:
    """Return an arm's share of an event over all seeds that had enough examples."""
    found = [run[arm][name] for run in runs if "share" in run[arm][name]]
    return share(sum(f["hits"] for f in found), sum(f["attempts"] for f in found))


def _break_even(fixed_s: float, saved_s: float) -> float | None:
    return fixed_s / saved_s if saved_s > 0 else None


def one_seed(options: argparse.Namespace, config: Config, seed: int) -> dict[str, Any]:
    """Return the figures of one seed."""
    draws = drawn(config, seed, options.draws, options.work / f"draws-{seed}.jsonl")
    net = options.work / f"net-{seed}-{options.draws}-{options.steps}"
    model, cpu = trained(draws, options.steps, seed, net)
    figures: dict[str, Any] = {
        "seed": seed,
        "draws": len(draws),
        "draws_cpu_s": sum(draw["cpu"] for draw in draws),
        "train_cpu_s": cpu,
        "note": model.note,
        "held": {name: sum(d["ok"] and d["held"][name] for d in draws) for name in PREDICATES},
    }
    arms: dict[str, tuple[SceneModel, ProposeConfig, int]] = {
        "proposed": (model, ProposeConfig(options.boldness, seed=seed), options.attempts)
    }
    if options.ablate:
        bare = trained(draws, 1, seed, net.with_name(f"net-{seed}-{options.draws}-1"))[0]
        arms |= {
            "apart": (model, ProposeConfig(options.boldness, together=False, seed=seed), options.ablate),
            "untrained": (bare, ProposeConfig(options.boldness, seed=seed), options.ablate),
            "net_alone": (model, ProposeConfig(1.0, seed=seed), options.ablate),
        }
    for arm, (net_of_arm, settings, count) in arms.items():
        figures[arm] = {}
        for name, predicate in PREDICATES.items():
            fresh = () if predicate.needs_picture else LOOKS
            try:
                made = proposed(net_of_arm, name, config, replace(settings, fresh=fresh), count)
            except DataError as error:
                made = {"error": str(error)}
            figures[arm][name] = made
            print(seed, name, arm, {k: round(v, 3) if isinstance(v, float) else v for k, v in made.items()}, flush=True)
    return figures


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True, help="folder of draws and nets; what is there is used")
    parser.add_argument("--seeds", type=int, nargs="+", default=[200, 201], help="of datasets, nets and proposals")
    parser.add_argument("--draws", type=int, default=1000, help="of the generator, a seed")
    parser.add_argument("--attempts", type=int, default=100, help="proposals, an event and seed")
    parser.add_argument("--ablate", type=int, default=0, help="proposals of each further arm, an event and seed")
    parser.add_argument("--boldness", type=float, default=BOLDNESS)
    parser.add_argument("--steps", type=int, default=800, help="of training")
    parser.add_argument("--quick", action="store_true", help="a few draws and attempts: it works, the figures are void")
    parser.add_argument("--json", type=Path, help="where the figures go")
    options = parser.parse_args()
    if options.quick:
        options.seeds, options.draws, options.attempts, options.steps = [0], 60, 10, 40
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    import torch

    torch.set_num_threads(1)
    options.work.mkdir(parents=True, exist_ok=True)
    config = load("dice", [SIZE])
    runs = [one_seed(options, config, seed) for seed in options.seeds]
    still = physics_cpu(config, options.seeds[0], 10 if options.quick else 40)
    total = sum(run["draws"] for run in runs)
    events = {}
    for name, predicate in PREDICATES.items():
        plain = share(sum(run["held"][name] for run in runs), total)
        picture = sum(run["draws_cpu_s"] for run in runs) / total
        events[name] = compare(runs, name, {**plain, "cpu_attempt_s": picture if predicate.needs_picture else still})
    publish({"machine": machine(), "boldness": options.boldness, "events": events, "runs": runs}, options.json)


if __name__ == "__main__":
    sys.exit(main())
