"""What bodies share inside PyBullet, and what they must not."""

import dataclasses
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from simgen.catalog import build_model
from simgen.painter import painted, painted_all
from simgen.picturefile import PictureFile, bmp
from simgen.render import TinyRenderer
from simgen.scene import CameraSpec, LightSpec, MaterialSpec, ObjectSpec, SceneSpec
from simgen.stopwatch import Stopwatch
from simgen.world import World

FLAT = LightSpec(direction=(0, 0, 1), ambient=1.0, diffuse=0.0, specular=0.0, shadow=False)
CAMERA = CameraSpec(size_wh=(150, 50), focal_px=(200, 200), center_px=(74.5, 24.5), eye_m=(0, -0.001, 0.6))
DIE = {"kind": "die", "size_m": 0.1, "pip_color": (0, 0, 0)}
COLORS = ((250, 20, 20), (20, 250, 20), (20, 20, 250))


def row(sections: list[dict]) -> SceneSpec:
    looks = [MaterialSpec({"kind": "plain", "colors": [color]}, specular=0) for color in COLORS]
    bodies = [
        ObjectSpec(f"body_{i}", section, look, (0.14 * (i - 1), 0, 0))
        for i, (section, look) in enumerate(zip(sections, looks, strict=True))
    ]
    return SceneSpec(objects=tuple(bodies), light=FLAT, camera=CAMERA)


@pytest.mark.parametrize("section", [DIE, {"kind": "box", "size_m": (0.1, 0.1, 0.1)}])
def test_bodies_of_one_shape_share_it_and_keep_their_own_colours(section):
    with World(row([section] * 3), Path()) as world:
        assert len({id(body.mesh) for body in world.bodies}) == 1
        shared = TinyRenderer().render(world, CAMERA)
    for number, color in enumerate(COLORS, 1):
        seen = shared.rgb[shared.instances == number].astype(float)
        assert len(seen) > 100
        np.testing.assert_allclose(np.median(seen, axis=0), color, atol=3)


def test_a_shared_shape_looks_like_one_of_its_own():
    apart = [{**DIE, "size_m": 0.1 + 1e-9 * i} for i in range(3)]
    pictures = []
    for sections in ([DIE] * 3, apart):
        with World(row(sections), Path()) as world:
            pictures.append(TinyRenderer().render(world, CAMERA))
    assert np.array_equal(pictures[0].instances, pictures[1].instances)
    assert np.abs(pictures[0].rgb.astype(int) - pictures[1].rgb).max() <= 1


def test_what_a_cache_gives_out_cannot_be_changed():
    sections = (DIE, {"kind": "box", "size_m": (0.1, 0.1, 0.1)})
    for section in (*sections, {"kind": "digit_tile", "digit": 3, "style": {}}):
        mesh = build_model(section).mesh(Path())
        assert build_model(section).mesh(Path()) is mesh
        for array in (mesh.vertices_m, mesh.faces, mesh.normals, mesh.uvs):
            with pytest.raises(ValueError, match="read-only"):
                array[0] = 0


def test_the_time_is_booked_on_building_and_on_pybullet():
    watch = Stopwatch()
    with World(row([DIE] * 3), Path(), watch=watch):
        pass
    assert set(watch.seconds) == {"build", "spawn"}
    assert min(watch.seconds.values()) > 0


@pytest.mark.parametrize("width", [1, 2, 3, 4, 5])
def test_a_picture_file_reads_back_whatever_was_in_it_before(width):
    import cv2

    image = np.random.default_rng(width).integers(0, 256, (3, width, 3), dtype=np.uint8)
    with closing(PictureFile()) as file:
        file.write(bmp(np.zeros((40, 40, 3), np.uint8)))
        file.write(bmp(image))
        data = Path(file.name).read_bytes()
    assert data == bmp(image)
    assert np.array_equal(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)[..., ::-1], image)
    assert not Path(file.name).exists()


def test_a_picture_file_is_a_file_where_the_system_has_none_in_memory(monkeypatch):
    monkeypatch.delattr("os.memfd_create", raising=False)
    image = np.full((2, 2, 3), 7, np.uint8)
    with closing(PictureFile()) as file:
        file.write(bmp(image))
        assert Path(file.name).read_bytes() == bmp(image)
    assert not Path(file.name).exists()
    same = dataclasses.replace(row([DIE] * 3), light=FLAT)
    with World(same, Path()) as world:
        frame = TinyRenderer().render(world, CAMERA)
    np.testing.assert_allclose(np.median(frame.rgb[frame.instances == 2].astype(float), axis=0), COLORS[1], atol=3)


def test_neighbours_painted_together_look_as_each_alone():
    tiles = [{"kind": "digit_tile", "digit": i % 10, "style": {"seed": i, "jitter": 0.02}} for i in range(70)]
    sections = [*tiles[:67], DIE, {**tiles[67], "texture_px": 40}, *tiles[68:]]
    grounds = [{"kind": "gradient", "colors": [(9, 200, i), (i, 0, 255)], "seed": i} for i in range(len(sections))]
    specs = [
        ObjectSpec(str(i), section, MaterialSpec(ground))
        for i, (section, ground) in enumerate(zip(sections, grounds, strict=True))
    ]
    models = [build_model(section) for section in sections]
    pictures = list(painted_all(specs, models, Path()))
    assert len(pictures) == len(specs)
    assert pictures[68].shape == (40, 40, 3)
    for spec, model, picture in zip(specs, models, pictures, strict=True):
        np.testing.assert_array_equal(picture, painted(spec, model, Path()))


def test_full_ink_has_its_colour_and_none_leaves_the_body():
    tile = build_model({"kind": "digit_tile", "digit": 1, "style": {}, "ink": (250, 3, 90)})
    body = np.full((64, 64, 3), (10, 200, 255), np.uint8)
    picture = tile.paint(body)
    colors = {tuple(color) for color in picture.reshape(-1, 3).tolist()}
    assert {(250, 3, 90), (10, 200, 255)} < colors
    assert all(10 <= r <= 250 and 3 <= g <= 200 and 90 <= b <= 255 for r, g, b in colors)
    assert (body == (10, 200, 255)).all()
