"""Whether `gl` draws the same with another driver: Mesa's llvmpipe, the same with narrower vectors, softpipe.

    python benchmarks/drivers.py [--size 320x240] [--json OUT]

Each driver draws the reference scene (benchmarks/reference_scene.py) from a few sides in a process of its own; its
labels and colours are compared with the first driver's. A pixel is at a silhouette where the first driver's ids change
within the 3 x 3 pixels around it.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from figures import machine, publish
from numpy.typing import NDArray
from reference_scene import moved, reference_scene, write_meshes

from simgen.render.gl import GlRenderer
from simgen.world import World

DRIVERS: dict[str, dict[str, str]] = {
    "llvmpipe": {"GALLIUM_DRIVER": "llvmpipe"},
    "llvmpipe_128": {"GALLIUM_DRIVER": "llvmpipe", "LP_NATIVE_VECTOR_WIDTH": "128"},
    "softpipe": {
        "GALLIUM_DRIVER": "softpipe",
        "MESA_GL_VERSION_OVERRIDE": "4.0",
        "MESA_GLSL_VERSION_OVERRIDE": "400",
    },
}
SIDES = (0, 20, 40)
CLOSE = 2
"""Levels of 255 that colours may differ by."""
Frames = dict[str, NDArray[Any]]


def draw(size_wh: tuple[int, int], out: Path) -> None:
    """Draw the scene with this process's driver and write all frames to a file."""
    renderer = GlRenderer()
    with tempfile.TemporaryDirectory() as folder:
        write_meshes(Path(folder))
        scene = reference_scene(size_wh)
        with World(scene, Path(folder), visuals=False) as world:
            frames = [renderer.render(world, moved(scene.camera, side)) for side in SIDES]
    names = ("rgb", "depth_m", "instances", "normals")
    np.savez(out, **{name: np.stack([getattr(frame, name) for frame in frames]) for name in names})
    print(json.dumps(renderer.driver()))


def drawn_by(driver: dict[str, str], size: str, folder: Path) -> tuple[dict[str, str], Frames]:
    """Return how a driver calls itself, and what it draws. Raises `CalledProcessError` if it cannot."""
    out = folder / "frames.npz"
    command = [sys.executable, str(Path(__file__)), "--size", size, "--draw", str(out)]
    answer = subprocess.run(command, env={**os.environ, **driver}, check=True, capture_output=True, text=True)
    with np.load(out) as file:
        return json.loads(answer.stdout.splitlines()[-1]), dict(file)


def compared(first: Frames, other: Frames) -> dict[str, float]:
    """Return how far two drivers' frames lie apart; depth and normals away from silhouettes."""
    ids = first["instances"].astype(np.float32)
    window = np.ones((3, 3), np.uint8)
    inner = np.stack([cv2.erode(image, window) == cv2.dilate(image, window) for image in ids])
    same = first["instances"] == other["instances"]
    colors = np.abs(first["rgb"].astype(int) - other["rgb"]).max(-1)
    calm = inner & same & (first["depth_m"] > 0)
    depth = np.abs(first["depth_m"] / np.where(calm, other["depth_m"], 1) - 1)
    normals = np.abs(first["normals"] - other["normals"]).max(-1)
    return {
        "ids_differ_share": float(np.mean(~same)),
        "ids_differ_away_from_silhouettes": int((~same & inner).sum()),
        "colors_within_2_share": float(np.mean(colors <= CLOSE)),
        "colors_mean": float(colors.mean()),
        "depth_worst_share": float(depth[calm].max()),
        "normals_p99_9": float(np.percentile(normals[calm], 99.9)),
    }


def report_on(size: str) -> dict[str, Any]:
    """Return the comparisons of all drivers that work here with the first of them."""
    found: dict[str, Any] = {}
    first: Frames | None = None
    with tempfile.TemporaryDirectory() as folder:
        for name, environment in DRIVERS.items():
            try:
                driver, frames = drawn_by(environment, size, Path(folder))
            except subprocess.CalledProcessError as error:
                found[name] = {"error": (error.stderr.strip().splitlines() or [f"code {error.returncode}"])[-1]}
                continue
            found[name] = {"driver": driver} | (compared(first, frames) if first is not None else {})
            first = frames if first is None else first
    return found


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", default="320x240", help="pixels, WIDTHxHEIGHT")
    parser.add_argument("--draw", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--json", type=Path, help="write the figures to a file")
    arguments = parser.parse_args()
    width, height = (int(part) for part in arguments.size.split("x"))
    if arguments.draw is not None:
        draw((width, height), arguments.draw)
    else:
        publish({"machine": machine(), "size": arguments.size, "drivers": report_on(arguments.size)}, arguments.json)


if __name__ == "__main__":
    main()
