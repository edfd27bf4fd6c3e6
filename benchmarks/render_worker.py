"""A process that draws for benchmarks/render.py: each line on its input is a question, each on its output an answer.

python benchmarks/render_worker.py gl|tiny|egl CORE [CORE]
"""

import json
import os
import pkgutil
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from reference_scene import TRIANGLES, moved, reference_scene, write_meshes

from simgen.bullet import p
from simgen.config import load
from simgen.errors import ViewError
from simgen.generate import draw_scene
from simgen.geometry import look_at, opengl_projection, opengl_view
from simgen.render import RENDERERS, camera_matrix
from simgen.scene import CameraSpec
from simgen.world import World

Draw = Callable[[World, CameraSpec], object]
SETTLED = 200
WARM_UP = 3
"""Frames that are not timed, before each row of frames that are: other cases have run in between."""


class Egl:
    """PyBullet's EGL plugin, loaded for each client."""

    def __init__(self) -> None:
        self.world: World | None = None

    def __call__(self, world: World, camera: CameraSpec) -> tuple[Any, ...]:
        """Return colour, depth and ids as arrays."""
        if self.world is not world:
            found = pkgutil.get_loader("eglRenderer")
            if (
                found is None
                or p.loadPlugin(found.get_filename(), "_eglRendererPlugin", physicsClientId=world.client) < 0
            ):
                raise RuntimeError("PyBullet's EGL plugin does not load here")
            self.world = world
        width, height = camera.size_wh
        light = world.scene.light
        _, _, rgba, depth, ids = p.getCameraImage(
            width,
            height,
            opengl_view(look_at(camera.eye_m, camera.target_m)),
            opengl_projection(camera_matrix(camera), camera.size_wh, 0.05, 5.0),
            lightDirection=list(light.direction),
            shadow=1,
            renderer=p.ER_BULLET_HARDWARE_OPENGL,
            physicsClientId=world.client,
        )
        return tuple(np.asarray(a).reshape(height, width, -1) for a in (rgba, depth, ids))


class Drawer:
    """Keeps the worlds, so that only drawing is timed."""

    def __init__(self, kind: str, folder: Path) -> None:
        self.kind, self.folder = kind, folder
        self.worlds: dict[tuple[int, int, bool], World] = {}
        self.draw: Draw = Egl() if kind == "egl" else RENDERERS[kind]().render
        self.frame = 0

    def time(self, width: int, height: int, one_light: bool, frames: int) -> dict[str, Any]:
        """Return the milliseconds of each frame, and when the first began and the last ended."""
        key = (width, height, one_light)
        fresh = key not in self.worlds
        if fresh:
            if self.kind == "egl":  # the plugin draws for one client at a time
                self.close()
            scene = reference_scene((width, height), one_light)
            self.worlds[key] = World(scene, self.folder, visuals=self.kind != "gl")
        world = self.worlds[key]
        for _ in range(2 * WARM_UP if fresh else WARM_UP):  # meshes and textures go to the driver, caches fill
            self.draw(world, world.scene.camera)
        marks = [time.perf_counter()]
        for _ in range(frames):
            self.frame += 1
            self.draw(world, moved(world.scene.camera, self.frame))
            marks.append(time.perf_counter())
        return {"ms": (1000 * np.diff(marks)).round(3).tolist(), "span": (marks[0], marks[-1])}

    def close(self) -> None:
        """Close the worlds."""
        for world in self.worlds.values():
            world.close()
        self.worlds.clear()

    def leak(self, frames: int) -> dict[str, Any]:
        """Return resident memory over frames that share nothing with each other."""
        config = load("dice", ["output.size_wh=[320, 240]", "render.kind=gl"])
        track, ms = [], []
        for index in range(frames):
            scene = draw_scene(config, 0, index)
            with World(scene, config.root, config.physics, visuals=False) as world:
                began = time.perf_counter()
                with suppress(ViewError):  # nothing has fallen yet: a body may hang around the camera
                    self.draw(world, scene.camera)
                ms.append(1000 * (time.perf_counter() - began))
            if index + 1 == SETTLED or (index + 1) % 100 == 0 or index + 1 == frames:
                track.append((index + 1, resident_mb()))
        settled = next(mb for count, mb in track if count >= SETTLED)
        return {
            "frames": frames,
            "growth_mb_after_200": round(track[-1][1] - settled, 2),
            "resident_mb": [(count, round(mb, 1)) for count, mb in track],
            "median_ms_with_new_everything": round(float(np.median(ms)), 2),
        }

    def driver(self) -> dict[str, str]:
        """Return who draws."""
        return {"kind": "egl"} if self.kind == "egl" else RENDERERS[self.kind]().driver()


def resident_mb() -> float:
    """Return this process's resident memory."""
    pages = int(Path("/proc/self/statm").read_text("utf-8").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def pin(cores: list[int]) -> list[int]:
    """Bind this process to the cores where the system can; return those that it runs on, or none if it cannot."""
    try:
        os.sched_setaffinity(0, cores)
        return sorted(os.sched_getaffinity(0))
    except (AttributeError, OSError):
        return []


def main() -> None:
    """Answer until the input ends."""
    kind, *cores = sys.argv[1:]
    pinned = pin([int(core) for core in cores])
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory() as folder:
        write_meshes(Path(folder))
        drawer = Drawer(kind, Path(folder))
        try:
            drawer.time(64, 48, False, 1)
            hello = {"driver": drawer.driver(), "pinned_to": pinned, "triangles": TRIANGLES}
        except Exception as error:  # whatever the drivers of this machine raise
            print(json.dumps({"error": f"{type(error).__name__}: {error}"}), flush=True)
            return
        print(json.dumps(hello), flush=True)
        for line in sys.stdin:
            question = json.loads(line)
            answer = drawer.leak(question["leak"]) if "leak" in question else drawer.time(**question)
            print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
