"""How fast the renderers draw one reference scene (benchmarks/reference_scene.py), and whether they keep memory.

    python benchmarks/render.py [--quick] [--json OUT]
    python benchmarks/render.py --leak 5000 [--json OUT]

Each renderer draws in processes of its own, pinned to one core or two; all take turns within a round, so that what else
runs on the machine slows all of them. A frame is colour, depth and instance ids from the call to numpy arrays; gl gives
normals, parts and object coordinates as well. `ratio_gl_over_tiny_640x480` says how many times faster gl is on two
threads with three lamps with soft shadows and light from all around than tiny is with its one light and its shadow:
tiny's median over gl's. Pictures differ in quality, so read it beside docs/rendering.md.
`egl` is PyBullet's own plugin.

`--leak N` draws N frames, each with new objects, textures, lamps and environment (the shipped dice scene at 320x240),
and reports by how much resident memory grows after the first 200.
"""

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from figures import machine, publish

SIZES = ((320, 240), (640, 480))
SETTLED = 200


@dataclass(frozen=True)
class Worker:
    """A process that draws: its renderer, how many threads it has, and the core that it starts at."""

    renderer: str
    threads: int
    core: int = 0

    @property
    def name(self) -> str:
        return f"{self.renderer}_{self.threads}_threads" if self.threads > 1 else f"{self.renderer}_1_thread"


class Running:
    """A worker's process: it answers each line with a line of JSON."""

    def __init__(self, worker: Worker) -> None:
        self.worker = worker
        command = [sys.executable, str(Path(__file__).with_name("render_worker.py")), worker.renderer]
        environment = {**os.environ, "LP_NUM_THREADS": str(worker.threads), "OMP_NUM_THREADS": "1"}
        cores = [(worker.core + i) % (os.cpu_count() or 1) for i in range(worker.threads)]
        self.process = subprocess.Popen(
            [*command, *map(str, cores)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=environment,
        )
        self.hello = self.hear()

    def say(self, **question: Any) -> None:
        """Send a question."""
        assert self.process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # it has died: `hear` says with what code
            self.process.stdin.write(json.dumps(question) + "\n")
            self.process.stdin.flush()

    def hear(self) -> dict[str, Any]:
        """Return the answer; {"error": ...} if the process died."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.startswith("{"):
                answer: dict[str, Any] = json.loads(line)
                return answer
        return {"error": f"the process ended with code {self.process.wait()}"}

    def ask(self, **question: Any) -> dict[str, Any]:
        """Send a question and return its answer."""
        self.say(**question)
        return self.hear()

    def close(self) -> None:
        """End the process."""
        if self.process.stdin is not None:
            self.process.stdin.close()
        self.process.wait()


def measure(rounds: int, frames: int) -> dict[str, Any]:
    """Return the times of all cases, and the ratios."""
    workers = [
        Running(Worker("gl", 2)),
        Running(Worker("gl", 1)),
        Running(Worker("tiny", 1)),
        Running(Worker("egl", 1)),
    ]
    second = {name: Running(Worker(name, 1, core=1)) for name in ("gl", "tiny")}
    times: dict[str, list[float]] = {}
    throughput: dict[str, list[tuple[float, float]]] = {"gl": [], "tiny": []}
    able = [w for w in workers if "error" not in w.hello]
    for number in range(-1, rounds):  # the first round warms up
        for worker in able:
            for case in _cases(worker.worker.renderer):
                name = f"{worker.worker.name}_{case['width']}x{case['height']}{'_one_light' * case['one_light']}"
                answer = worker.ask(**case, frames=frames if number >= 0 else 2)
                if number >= 0:
                    times.setdefault(name, []).extend(answer.get("ms", []))
        for name, pairs in throughput.items():
            first = next(w for w in workers if w.worker == Worker(name, 1))
            if "error" not in first.hello:
                pair = _two_processes(first, second[name], frames if number >= 0 else 1)
                pairs.extend([pair] * (number >= 0))
    hellos = {w.worker.name: w.hello for w in workers}
    for worker in [*workers, *second.values()]:
        worker.close()
    return {
        "workers": hellos,
        "cases": {k: _summary(v) for k, v in sorted(times.items()) if v},
        **_ratios(times, throughput),
    }


def _cases(renderer: str) -> list[dict[str, Any]]:
    cases = [{"width": w, "height": h, "one_light": False} for w, h in SIZES]
    return [*cases, {"width": 640, "height": 480, "one_light": True}] if renderer == "gl" else cases


def _two_processes(first: Running, second: Running, frames: int) -> tuple[float, float]:
    """Return the frames per second of one process alone, and of two at once."""
    question = {"width": 640, "height": 480, "one_light": False, "frames": frames}
    alone = first.ask(**question)
    first.say(**question)
    second.say(**question)
    both = (first.hear(), second.hear())
    spans = [answer["span"] for answer in both]
    together = 2 * frames / (max(end for _, end in spans) - min(start for start, _ in spans))
    return frames / (alone["span"][1] - alone["span"][0]), together


def _summary(ms: list[float]) -> dict[str, float]:
    low, middle, high = statistics.quantiles(ms, n=4)
    return {"median_ms": round(middle, 2), "iqr_ms": round(high - low, 2), "frames": len(ms)}


def _ratios(times: dict[str, list[float]], throughput: dict[str, list[tuple[float, float]]]) -> dict[str, float | None]:
    def ratio(slow: str, fast: str) -> float | None:
        if not (times.get(slow) and times.get(fast)):
            return None
        return round(statistics.median(times[slow]) / statistics.median(times[fast]), 3)

    tiny, large = "tiny_1_thread", "640x480"
    found = {
        "ratio_gl_over_tiny_640x480": ratio(f"{tiny}_{large}", f"gl_2_threads_{large}"),
        "ratio_gl_over_tiny_320x240": ratio(f"{tiny}_320x240", "gl_2_threads_320x240"),
        "ratio_gl_over_tiny_640x480_1_thread": ratio(f"{tiny}_{large}", f"gl_1_thread_{large}"),
        "ratio_gl_over_tiny_320x240_1_thread": ratio(f"{tiny}_320x240", "gl_1_thread_320x240"),
        "ratio_gl_one_light_over_tiny_640x480": ratio(f"{tiny}_{large}", f"gl_2_threads_{large}_one_light"),
        "ratio_egl_over_tiny_640x480": ratio(f"{tiny}_{large}", f"egl_1_thread_{large}"),
    }
    for name, pairs in throughput.items():
        value = round(statistics.median(two / one for one, two in pairs), 3) if pairs else None
        found[f"throughput_{name}_2_processes_over_1"] = value
    return found


def leak(frames: int) -> dict[str, Any]:
    """Return how resident memory grows over frames that share nothing."""
    worker = Running(Worker("gl", min(2, os.cpu_count() or 1)))
    if "error" in worker.hello:
        return {"error": worker.hello["error"]}
    answer = worker.ask(leak=frames)
    worker.close()
    return {"worker": worker.hello, **answer}


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="under a minute")
    parser.add_argument(
        "--leak", type=int, metavar="N", help=f"draw N frames, more than {SETTLED}, and watch the memory"
    )
    parser.add_argument("--json", type=Path, help="write the figures to a file")
    arguments = parser.parse_args()
    report: dict[str, Any] = {"machine": machine()}
    began = time.perf_counter()
    if arguments.leak is not None:
        if arguments.leak <= SETTLED:
            parser.error(f"--leak: expected more than {SETTLED} frames, got {arguments.leak}")
        report["leak"] = leak(arguments.leak)
    else:
        report |= measure(*((3, 7) if arguments.quick else (10, 12)))
    report["seconds"] = round(time.perf_counter() - began, 1)
    publish(report, arguments.json)


if __name__ == "__main__":
    main()
