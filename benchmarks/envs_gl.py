"""Would it pay to draw the views of several environments at once, through OpenGL?

    python benchmarks/envs_gl.py [--steps 60] [--json OUT]

Steps of vectors of Reach with an 84x84 picture, with "tiny" and "gl"; and what drawing at once could save: four scenes
of Reach beside each other in one picture of 168x168, under one lamp, against a picture of 84x84 of one. Milliseconds of
CPU time, those of worker processes included; under a minute.
"""

import argparse
import os
import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
from figures import machine, publish

from simgen.config import renderer_of
from simgen.envs.robots import robot_of
from simgen.envs.tabletop import marker, tabletop
from simgen.scene import CameraSpec
from simgen.world import World

LEVELS, KINDS = ("none", "high"), ("tiny", "gl")
VECTORS = ((1, "sync"), (4, "sync"), (8, "sync"), (4, "async"))
ONE = CameraSpec((84, 84), (106, 106), (41.5, 41.5), (1.35, 0, 0.75), (0.42, 0, 0.12))
FOUR = CameraSpec((168, 168), (150, 150), (83.5, 83.5), (5.0, 1.0, 3.0), (1.4, 1.0, 0.1))


def make(number: int, mode: str, **settings: Any) -> Any:
    """Return a vector of environments; with "gl" a process must not be forked."""
    context = {"vector_kwargs": {"context": "spawn"}} if mode == "async" else {}
    return gymnasium.make_vec("simgen.envs:simgen/Reach-v0", number, mode, obs="rgb", **context, **settings)


def step_ms(number: int, mode: str, steps: int, **settings: Any) -> float:
    """Return the time of a step of one environment in a vector."""
    envs = make(number, mode, **settings)
    workers = [process.pid for process in getattr(envs, "processes", [])]
    envs.action_space.seed(0)
    envs.reset(seed=0)
    spent = timed(lambda: envs.step(envs.action_space.sample()), steps, lambda: time.process_time() + _used_s(workers))
    envs.close()
    return spent / number


def picture_ms(scenes: int, camera: CameraSpec) -> float:
    """Return the time of a picture by "gl" of scenes of Reach beside each other."""
    nominal, renderer = tabletop(marker()), renderer_of({"kind": "gl"})
    places = [(2.0 * (number // 2), 2.0 * (number % 2), 0.0) for number in range(scenes)]
    objects = [
        replace(spec, name=f"{spec.name}_{number}", position_m=tuple(np.add(spec.position_m, place).tolist()))
        for number, place in enumerate(places)
        for spec in nominal.objects
    ]
    with World(replace(nominal, objects=tuple(objects)), Path(), visuals=False) as world:
        for place in places:
            world.load_robot(robot_of("kuka").urdf(), place)
        return statistics.median(timed(lambda: renderer.render(world, camera), 20, time.process_time) for _ in range(5))


def timed(call: Callable[[], Any], times: int, clock: Callable[[], float]) -> float:
    """Return milliseconds a call, after one that does not count."""
    call()
    start = clock()
    for _ in range(times):
        call()
    return 1e3 * (clock() - start) / times


def _used_s(workers: list[int]) -> float:
    """Return the processor's time that other processes have used."""
    fields = [Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in workers]
    return sum(int(row[11]) + int(row[12]) for row in fields) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    report: dict[str, Any] = {"machine": machine()}
    for level in LEVELS:
        for kind in KINDS:
            settings: dict[str, Any] = {"randomization": level, "render": {"kind": kind}}
            for number, mode in VECTORS:
                spent = step_ms(number, mode, options.steps, **settings)
                report[f"{level}, {kind}, {mode} vector of {number}: step"] = round(spent, 2)
    report["gl: picture of one scene"] = round(picture_ms(1, ONE), 2)
    report["gl: picture of four scenes"] = round(picture_ms(4, FOUR), 2)
    publish(report, options.json)


if __name__ == "__main__":
    main()
