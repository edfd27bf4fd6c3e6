import dataclasses
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import yaml
from gl_for_tests import needs_gl
from scenes_for_tests import config, small_dice

import simgen
from simgen.config import from_dict, load
from simgen.engine import LocalEngine
from simgen.errors import ConfigError, OutputError, RenderError
from simgen.formats.coco import CocoDataset
from simgen.generate import Job, draw_scene, generate, render_scene, sample
from simgen.scene import scene_from_dict


def digest(seed: int, index: int) -> tuple[bytes, str]:
    made = sample(config(), seed, index)
    return made.rgb.tobytes(), json.dumps(made.metadata, sort_keys=True)


def test_the_same_sample_in_another_process_and_after_others_has_the_same_bytes():
    here = digest(3, 5)
    digest(3, 4)
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        there = pool.submit(digest, 3, 5).result()
    assert here == there == digest(3, 5)
    assert digest(3, 6)[0] != here[0]


def test_simgen_sample_is_the_function():
    assert simgen.sample is sample


def test_turning_one_randomizer_off_leaves_the_others_as_they_are():
    data = small_dice()
    without = {**data, "randomize": {k: v for k, v in data["randomize"].items() if k != "light"}}
    a, b = draw_scene(config(), 0, 0), draw_scene(from_dict(without), 0, 0)
    assert a.objects == b.objects
    assert a.camera == b.camera
    assert a.light != b.light


def test_a_sample_is_replayed_from_its_metadata():
    made = sample(config(), 1, 2)
    again = render_scene(config(), scene_from_dict(json.loads(json.dumps(made.metadata["scene"]))))
    assert np.array_equal(again.rgb, made.rgb)


def test_every_annotation_fits_its_mask_and_the_instance_image():
    made = sample(config(), 0, 0)
    assert made.annotations
    for a in made.annotations:
        rows, columns = np.nonzero(made.instances == a.instance_id)
        assert a.mask is not None
        assert np.array_equal(a.mask, made.instances == a.instance_id)
        np.testing.assert_array_equal(a.box_xyxy, [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1])


def test_textures_vary_from_object_to_object():
    data = small_dice()
    data["randomize"]["dice"] = {"count": 3, "body": {"color": {"saturation": 1, "value": 1}}, "contrast_min": 0}
    data["randomize"]["sensor"] = {}
    made = sample(from_dict(data), 0, 1)
    colors = [made.rgb[a.mask].mean(0) for a in made.annotations]
    assert len(colors) >= 2
    assert min(np.abs(a - b).max() for i, a in enumerate(colors) for b in colors[:i]) > 8


def test_a_scene_without_anything_to_see_is_drawn_again_and_then_refused():
    data = small_dice(redraws=1)
    data["randomize"]["camera"] = {"target_m": 5.0}
    with pytest.raises(RenderError, match=r"got none in 2 draws: 2 where no labelled object was in view$"):
        sample(from_dict(data), 0, 0)


def test_a_camera_inside_a_body_or_a_dark_scene_is_no_sample():
    made = sample(config(), 0, 0)
    scene = scene_from_dict(json.loads(json.dumps(made.metadata["scene"])))
    die = next(b for b in scene.objects if b.labelled)
    place = np.array(made.metadata["poses"][die.name]).reshape(4, 4)[:3, 3]
    inside = dataclasses.replace(scene.camera, eye_m=tuple(place + np.array([0, 0, 0.001])), target_m=tuple(place))
    with pytest.raises(RenderError, match="got one where the camera was inside of an object"):
        render_scene(config(), dataclasses.replace(scene, camera=inside))
    dark = dataclasses.replace(scene.light, ambient=0.0, diffuse=0.0, specular=0.0)
    with pytest.raises(RenderError, match="got one where the labelled objects were too dark to be seen"):
        render_scene(config(), dataclasses.replace(scene, light=dark))


def files(folder: Path) -> dict[str, bytes]:
    return {str(f.relative_to(folder)): f.read_bytes() for f in sorted(folder.rglob("*")) if f.is_file()}


def test_an_interrupted_dataset_goes_on_to_the_same_bytes(tmp_path):
    whole = Job(small_dice(), Path(), 7, tmp_path / "whole")
    generate(whole, 5)
    parts = Job(small_dice(), Path(), 7, tmp_path / "parts")
    generate(parts, 2)
    (tmp_path / "parts" / "meta" / "00000001.json").unlink()  # as if killed between image and metadata
    (tmp_path / "parts" / "annotations.json").unlink()
    (tmp_path / "parts" / "images" / "00000000.png").unlink()  # as if somebody had tidied up
    made: list[int] = []
    generate(parts, 5, LocalEngine(2), made.append)
    assert sum(made) == 5
    assert made[0] == 0
    assert files(tmp_path / "whole") == files(tmp_path / "parts")


@needs_gl
def test_all_labels_of_gl_are_written_and_read_back(tmp_path):
    data = small_dice()
    layers = ("depth", "instances", "parts", "normals", "coordinates")
    data["output"] = {**data["output"], **dict.fromkeys(layers, True)}
    data["render"] = {"kind": "gl", "gl": {"amodal": True}}
    generate(Job(data, Path(), 0, tmp_path / "set"), 1)
    read, made = CocoDataset.read(tmp_path / "set")[0], sample(from_dict(data), 0, 0)
    hit = made.instances > 0
    assert hit.any()
    assert np.array_equal(read.parts, made.parts)
    np.testing.assert_allclose(read.normals, made.normals, atol=2e-5)
    np.testing.assert_allclose(read.coordinates, made.coordinates, atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(read.normals[hit], axis=-1), 1, atol=1e-4)
    for a in read.annotations:
        assert (a.whole.mask() >= a.mask).all()
        if not a.truncated:
            assert a.mask.sum() / a.whole.mask().sum() == pytest.approx(a.visible_fraction, abs=0.1)


@pytest.mark.parametrize("layer", ["parts", "normals", "coordinates"])
def test_a_label_that_the_renderer_does_not_draw_is_refused(layer):
    data = small_dice(output={"size_wh": [96, 96], layer: True}, render={"kind": "tiny"})
    with pytest.raises(ConfigError, match=rf"output.{layer}: expected a renderer that draws {layer} "):
        from_dict(data)


def test_what_was_written_reads_back(tmp_path):
    data = small_dice()
    data["output"] = {**data["output"], "depth": True, "instances": True}
    job = Job(data, Path(), 0, tmp_path / "set")
    generate(job, 2)
    read = CocoDataset.read(tmp_path / "set")
    made = sample(from_dict(data), 0, 1)
    assert np.array_equal(read[1].rgb, made.rgb)
    assert np.array_equal(read[1].instances, made.instances)
    np.testing.assert_allclose(read[1].depth_m, made.depth_m, atol=5.1e-4)
    for a, b in zip(read[1].annotations, made.annotations, strict=True):
        assert a.class_name == b.class_name
        assert np.array_equal(a.mask, b.mask)
        assert np.array_equal(a.box_xyxy, b.box_xyxy)
        np.testing.assert_allclose(a.cam_T_object, b.cam_T_object, atol=1e-8)
        np.testing.assert_allclose(a.keypoints, b.keypoints, atol=1e-4)
        assert a.keypoint_names == b.keypoint_names
        assert (a.visible_fraction, a.truncated, a.ignore) == (b.visible_fraction, b.truncated, b.ignore)
    assert read[1].metadata["scene"] == json.loads(json.dumps(made.metadata["scene"]))


def test_a_folder_with_another_config_is_left_alone(tmp_path):
    generate(Job(small_dice(), Path(), 0, tmp_path / "set"), 1)
    before = files(tmp_path / "set")
    with pytest.raises(OutputError, match=r'holds another dataset \("config\.redraws" differs\)'):
        generate(Job(small_dice(redraws=3), Path(), 0, tmp_path / "set"), 1)
    with pytest.raises(OutputError, match='"seed" differs'):
        generate(Job(small_dice(), Path(), 1, tmp_path / "set"), 1)
    assert files(tmp_path / "set") == before
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    with pytest.raises(OutputError, match=r"thesis\.txt"):
        generate(Job(small_dice(), Path(), 0, tmp_path / "mine"), 1)


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="needs /proc to see the workers")
def test_workers_end_when_the_run_is_killed(tmp_path):
    """And the same run, started again, ends in the same bytes as one that was left alone."""
    scene = tmp_path / "scene.yaml"
    scene.write_text(yaml.safe_dump(small_dice()))

    def command(out: str) -> list[str]:
        words = ["generate", str(scene), "-n", "40", "-o", str(tmp_path / out), "--workers", "2"]
        return [sys.executable, "-m", "simgen", *words]

    run = subprocess.Popen(command("killed"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    folder = tmp_path / "killed" / "meta"
    wait_until(lambda: len(list(folder.glob("*.json"))) >= 3)
    workers = [p for p in Path("/proc").glob("[0-9]*") if parent_of(p) == run.pid]
    assert len(workers) >= 2
    run.kill()
    run.wait()
    wait_until(lambda: not any(parent_of(p) is not None for p in workers))
    assert not (tmp_path / "killed" / "annotations.json").exists()
    for out in ("killed", "whole"):
        subprocess.run(command(out), check=True, capture_output=True)
    assert files(tmp_path / "killed") == files(tmp_path / "whole")


@pytest.mark.skipif(not hasattr(os, "killpg"), reason="needs process groups")
def test_ctrl_c_reaches_all_processes_and_ends_the_run_in_order(tmp_path):
    scene = tmp_path / "scene.yaml"
    scene.write_text(yaml.safe_dump(small_dice()))
    words = ["generate", str(scene), "-n", "200", "-o", str(tmp_path / "set"), "--workers", "2"]
    command = [sys.executable, "-m", "simgen", *words]
    run = subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
        # A shell's background jobs ignore Ctrl-C, and so would what they start.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL) and None,
    )
    folder = tmp_path / "set" / "meta"
    wait_until(lambda: len(list(folder.glob("*.json"))) >= 3)
    os.killpg(run.pid, signal.SIGINT)
    _, said = run.communicate(timeout=60)
    assert run.returncode == 130
    assert b"run the same command again to go on" in said
    assert b"Traceback" not in said
    assert 3 <= len(list(folder.glob("*.json"))) < 200


def wait_until(done: Callable[[], bool]) -> None:
    for _ in range(600):
        if done():
            return
        time.sleep(0.1)
    raise AssertionError("it did not happen within a minute")


def parent_of(process: Path) -> int | None:
    """Return the parent's number of a folder of /proc, None when the process has ended."""
    try:
        state, parent = (process / "stat").read_text().rpartition(")")[2].split()[:2]
    except OSError:
        return None
    return None if state == "Z" else int(parent)


def test_a_run_that_failed_before_its_first_sample_does_not_stand_in_the_way(tmp_path):
    data = small_dice(redraws=0)
    data["randomize"]["camera"] = {"target_m": 5.0}
    with pytest.raises(RenderError):
        generate(Job(data, Path(), 0, tmp_path / "set"), 1)
    mended = small_dice(output={"size_wh": [160, 120], "depth": True})
    generate(Job(mended, Path(), 0, tmp_path / "set"), 1)
    assert CocoDataset.read(tmp_path / "set")[0].depth_m is not None


@pytest.mark.parametrize(
    ("image", "stored"), [("jpg", "images/00000001.jpg"), ("png", "images/00000001.png"), ("jpg", "depth/00000001.png")]
)
@pytest.mark.parametrize("left", [0.9, 0.4, 0.0])
def test_a_cut_picture_is_made_again(tmp_path, image, stored, left):
    data = small_dice(output={"size_wh": [96, 96], "image": image, "depth": True})
    job = Job(from_dict(data).source, Path(), 3, tmp_path / "set")
    generate(job, 2)
    file = job.out / stored
    whole, other = file.read_bytes(), (job.out / stored.replace("1.", "0.")).stat().st_mtime_ns
    file.write_bytes(whole[: int(left * len(whole))])
    generate(job, 2)
    assert file.read_bytes() == whole
    assert (job.out / stored.replace("1.", "0.")).stat().st_mtime_ns == other


def test_seed_and_index_are_not_negative():
    for seed, index, sentence in (
        (-1, 0, "sample: expected seed >= 0, got -1"),
        (0, -2, "sample: expected index >= 0, got -2"),
    ):
        with pytest.raises(ConfigError) as caught:
            sample(config(), seed, index)
        assert str(caught.value) == sentence


@pytest.mark.parametrize(
    "setting", ["randomize.sensor.exposure=0.01", "randomize.light={ambient: 0, diffuse: 0, specular: 0}"]
)
def test_a_picture_that_shows_nothing_of_its_objects_is_no_sample(setting):
    config = load("dice", ["output.size_wh=[160,160]", "redraws=0", "render.kind=tiny", setting])
    with pytest.raises(RenderError, match="in view of a lit, free camera"):
        sample(config, 0, 0)
