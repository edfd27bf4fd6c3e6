"""One context a process: threads, forks, workers, what is said where there is none, and what stays in memory."""

import dataclasses
import importlib
import multiprocessing
import os
import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from gl_for_tests import body, camera, draw, floor, needs_gl

from simgen.errors import AssetError, RenderError
from simgen.render.gl.context import GlError
from simgen.scene import EnvironmentSpec, LampSpec, MaterialSpec, SceneSpec

contexts = importlib.import_module("simgen.render.gl.context")  # the package has a function of that name
LAMPS = (
    LampSpec("directional", 500.0, direction=(-0.3, 0.2, -1.0), angle_rad=0.05),
    LampSpec("area", 200.0, position_m=(0.2, 0.1, 0.5), size_m=(0.2, 0.1)),
    LampSpec("spot", 50.0, position_m=(-0.2, -0.2, 0.4), direction=(0.2, 0.2, -0.4), angle_rad=0.8),
)
SCENE = SceneSpec(
    objects=(
        floor(),
        body("ball", {"kind": "lump", "size_m": (0.08, 0.06, 0.05)}, (0.02, 0.0, 0.03)),
        body("box", {"kind": "box", "size_m": (0.03, 0.03, 0.06)}, (-0.04, 0.03, 0.03)),
    ),
    lamps=LAMPS,
    environment=EnvironmentSpec({"kind": "uniform"}, 100.0),
    camera=camera(96, exposure_ev=None),
)
HASH = """
import hashlib, sys
sys.path.insert(0, {tests!r})
from gl_for_tests import draw
from test_gl_process import SCENE
frame = draw(SCENE)
arrays = frame.rgb, frame.depth_m, frame.instances, frame.normals, frame.coordinates
print(hashlib.sha256(b"".join(a.tobytes() for a in arrays)).hexdigest())
"""


def drawn_sum(_: int) -> int:
    return int(draw(SCENE).rgb.sum())


@needs_gl
def test_the_number_of_threads_changes_no_byte():
    here = Path(__file__).parent
    code = f"import sys; sys.path.insert(0, {str(here)!r})" + HASH.format(tests=str(here.parent))
    hashes = {
        subprocess.run(
            [sys.executable, "-c", code], check=True, capture_output=True, text=True,
            env={**os.environ, "LP_NUM_THREADS": threads},
        ).stdout
        for threads in ("0", "1", "3")
    }  # fmt: skip
    assert len(hashes) == 1
    assert len(hashes.pop().strip()) == 64


@needs_gl
def test_a_spawned_process_has_a_context_of_its_own():
    expected = drawn_sum(0)
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.apply(drawn_sum, (0,)) == expected


def _draw_in_fork(queue: "multiprocessing.Queue[str]") -> None:
    try:
        drawn_sum(0)
        queue.put("drawn")
    except GlError as error:
        queue.put(str(error))


@needs_gl
@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.filterwarnings("ignore:This process.*multi-threaded:DeprecationWarning")
def test_a_process_forked_after_drawing_is_told_so_instead_of_hanging():
    drawn_sum(0)
    fork = multiprocessing.get_context("fork")
    queue = fork.Queue()
    child = fork.Process(target=_draw_in_fork, args=(queue,))
    child.start()
    assert "was forked from one that had already drawn" in queue.get(timeout=60)
    child.join()


def test_without_a_driver_the_message_names_the_packages(monkeypatch):
    moderngl = pytest.importorskip("moderngl")

    def fail(**_):
        raise Exception("libEGL.so.1: cannot open shared object file")

    monkeypatch.setattr(moderngl, "create_context", fail)
    monkeypatch.setattr(contexts, "_CONTEXTS", [])
    with pytest.raises(GlError) as raised:
        contexts.context()
    assert str(raised.value) == (
        "OpenGL: no context can be made (libEGL.so.1: cannot open shared object file); "
        "on Debian: apt-get install libegl1 libgl1-mesa-dri"
    )


def test_an_old_version_is_named(monkeypatch):
    moderngl = pytest.importorskip("moderngl")

    class Old:
        version_code = 210
        info = dict.fromkeys(("GL_VENDOR", "GL_RENDERER"), "?") | {"GL_VERSION": "2.1 Mesa"}

        def release(self):
            pass

    monkeypatch.setattr(moderngl, "create_context", lambda **_: Old())
    monkeypatch.setattr(contexts, "_CONTEXTS", [])
    with pytest.raises(GlError, match=r"^OpenGL: expected version 4.0 or later, got 2.1 Mesa$"):
        contexts.context()


def test_importing_simgen_does_not_import_opengl():
    code = "import sys, simgen, simgen.cli.app; sys.exit('moderngl' in sys.modules or 'pybullet' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@needs_gl
def test_meshes_and_textures_on_the_device_stay_within_their_bounds(monkeypatch):
    from simgen.render.gl import textures
    from simgen.render.gl.device import device

    monkeypatch.setattr(textures, "BUDGET", 100_000)
    gpu = device()
    size = gpu.meshes.size
    for number in range(40):
        draw(_fresh(number))
        assert gpu.textures.bytes <= 100_000
    assert gpu.meshes.size <= 2 * size


@needs_gl
def test_textures_that_overwrite_others_are_drawn_as_new_ones(monkeypatch):
    from simgen.render.gl import textures
    from simgen.render.gl.device import device

    gpu = device()
    scenes = [_fresh(number) for number in range(6)]
    gpu.textures.release()
    new = [draw(scene).rgb for scene in scenes]
    monkeypatch.setattr(textures, "BUDGET", 0)
    gpu.textures.trim()
    for scene, rgb in zip(scenes, new, strict=True):
        before = {texture.glo for texture in gpu.textures._spare}
        np.testing.assert_array_equal(draw(scene).rgb, rgb)
        assert before & {texture.glo for texture in gpu.textures._spare}
    gpu.textures.release()


@needs_gl
def test_programs_stay_within_their_bound_and_draw_the_same_when_made_again(monkeypatch):
    from simgen.render.gl import programs
    from simgen.render.gl.device import device

    kept = device().programs
    scenes = [dataclasses.replace(SCENE, lamps=LAMPS[:count]) for count in range(4)]
    new = [draw(scene).rgb for scene in scenes]
    monkeypatch.setattr(programs, "KEPT", 12)
    while kept._made:
        kept._made.popitem()[1].release()
    seen = set()
    for scene, rgb in zip(2 * scenes, 2 * new, strict=True):
        np.testing.assert_array_equal(draw(scene).rgb, rgb)
        seen |= set(kept._made)
        assert len(kept._made) <= 12
    assert len(seen) > 12


@needs_gl
def test_a_texture_beyond_the_drivers_limit_is_refused(monkeypatch):
    from simgen.render.gl.device import device

    monkeypatch.setattr(device().textures, "max_px", 64)
    with pytest.raises(AssetError, match=r'^texture of "ball": expected at most 64 pixels a side, got 128$'):
        draw(_fresh(10**6))


@needs_gl
def test_too_many_meshes_for_the_device_are_refused(monkeypatch):
    from simgen.render.gl import meshes
    from simgen.render.gl.device import device

    monkeypatch.setattr(meshes, "LARGEST", 1 << 10)
    monkeypatch.setattr(device().meshes, "size", 1 << 10)
    with pytest.raises(AssetError, match="expected at most"):
        draw(_fresh(10**7))


@needs_gl
def test_an_empty_mesh_is_refused():
    from simgen.catalog import Mesh
    from simgen.render.items import bounds

    nothing = Mesh(np.zeros((3, 3)), np.zeros((0, 3), np.int64), np.zeros((3, 3)), np.zeros((3, 2)))
    with pytest.raises(AssetError, match=r'^object "x": expected a mesh of 1 to \d+ triangles, got 0$'):
        bounds("x", nothing)
    assert issubclass(GlError, RenderError)


def _fresh(number: int) -> SceneSpec:
    """Return a scene with meshes, textures, lamps and an environment that no other number has."""
    rng = np.random.default_rng(number)
    texture = {"kind": "noise", "colors": rng.integers(0, 255, (2, 3)).tolist(), "seed": number}
    shiny = MaterialSpec(
        texture, bump_texture={"kind": "noise", "seed": number}, bump=0.5, clear_coat=float(number % 2)
    )
    size = (0.05 + 0.03 * rng.uniform(), 0.06, 0.05)
    ball = body("ball", {"kind": "lump", "size_m": size}, (0.02, 0, 0.03), shiny)
    lamps = tuple(dataclasses.replace(lamp, intensity=float(rng.uniform(50, 500))) for lamp in LAMPS[: number % 4])
    grey = EnvironmentSpec({"kind": "uniform"}, float(rng.uniform(50, 200)))
    return dataclasses.replace(SCENE, objects=(*SCENE.objects[:1], ball), lamps=lamps, environment=grey)


@needs_gl
@pytest.mark.slow
def test_five_thousand_new_scenes_leave_nothing_behind():
    """Resident memory after 5,000 frames with new textures, meshes and lights is within 30 MB of that after 200."""
    code = (
        f"import sys; sys.path[:0] = [{str(Path(__file__).parent)!r}, {str(Path(__file__).parents[1])!r}]\n"
        "from test_gl_process import _fresh, resident_mb\n"
        "from gl_for_tests import draw\n"
        "early = 0.0\n"
        "for number in range(5000):\n"
        "    draw(_fresh(number))\n"
        "    if number == 200: early = resident_mb()\n"
        "print(resident_mb() - early)\n"
    )
    grown = float(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout)
    assert grown < 30


def resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6
