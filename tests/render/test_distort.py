"""Pictures through lenses: dots land where the labels say, ids and depth where rays say, for every renderer."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from rays_for_tests import ray_frame

from simgen.annotate import View
from simgen.config import why_no_gl
from simgen.geometry import transform
from simgen.lens import pinhole_around, source_pixels
from simgen.render import RENDERERS, Frame
from simgen.render.distort import through_lens
from simgen.scene import CameraSpec, LightSpec, MaterialSpec, ObjectSpec, SceneSpec
from simgen.world import World

DARK = MaterialSpec({"kind": "plain", "colors": [(5, 5, 5)]}, specular=0.0, roughness=1.0)
BRIGHT = MaterialSpec({"kind": "plain", "colors": [(255, 255, 255)]}, specular=0.0, roughness=1.0)
CAMERA = CameraSpec(
    size_wh=(200, 150), focal_px=(150, 160), center_px=(103.0, 71.0), eye_m=(0.05, -0.15, 0.4), skew=3.0
)
LENSES = [None, {"kind": "brown", "k1": -0.25, "k2": 0.05, "p1": 0.003, "p2": -0.004}, {"kind": "fisheye", "k1": 0.08}]
FLAT = LightSpec(direction=(0, 0, 1), ambient=0.9, diffuse=0.0, specular=0.0, shadow=False)
PLACES = [(x, y, 0.003) for x in (-0.15, 0.0, 0.15) for y in (-0.1, 0.02, 0.14)]


def scene(camera, bodies):
    table = ObjectSpec("table", {"kind": "box", "size_m": (2, 2, 0.02)}, DARK, (0, 0, -0.01))
    return SceneSpec(objects=(table, *bodies), light=FLAT, camera=camera)


@pytest.fixture(params=sorted(RENDERERS))
def renderer(request):
    if request.param == "gl" and why_no_gl() is not None:
        pytest.skip("OpenGL cannot be used here")
    return RENDERERS[request.param]()


@pytest.mark.parametrize("lens", LENSES)
def test_dots_land_where_the_labels_say(lens, renderer):
    camera = dataclasses.replace(CAMERA, lens=lens)
    dots = [ObjectSpec(f"dot{i}", {"kind": "sphere", "radius_m": 0.006}, BRIGHT, p) for i, p in enumerate(PLACES)]
    with World(scene(camera, dots), Path()) as world:
        frame = renderer.render(world, camera)
    view = View.of(camera)
    grey = frame.rgb.astype(float).mean(-1)
    v, u = np.mgrid[:150, :200]
    expected = view.pixels(transform(view.cam_T_world, PLACES))
    assert frame.rgb.shape == (150, 200, 3)
    for number, place in enumerate(expected):
        near = np.hypot(u - place[0], v - place[1]) < 8
        weight = np.where(near, grey - grey[near].min(), 0)
        lit = np.array([(weight * u).sum(), (weight * v).sum()]) / weight.sum()
        mask = frame.instances == number + 2
        assert np.abs(lit - place).max() < 0.35
        assert np.abs([u[mask].mean() - place[0], v[mask].mean() - place[1]]).max() < 0.6


@pytest.mark.parametrize("lens", LENSES)
def test_ids_and_depth_are_those_of_rays(lens, renderer):
    camera = dataclasses.replace(CAMERA, lens=lens)
    box = ObjectSpec("box", {"kind": "box", "size_m": (0.12, 0.08, 0.05)}, BRIGHT, (0.05, 0.05, 0.025))
    with World(scene(camera, [box]), Path()) as world:
        frame = renderer.render(world, camera)
        rays = ray_frame(world, camera)
    same = frame.instances == rays.instances
    assert same.mean() > 0.99
    off = np.abs(frame.depth_m - rays.depth_m)[same]
    # The nearest pixel's depth: at most half a pixel away, on planes seen at a slant.
    assert np.median(off) < (1e-4 if lens is None else 1e-3)
    assert np.percentile(off, 99) < 3e-3
    assert frame.depth_m.dtype == np.float32
    assert frame.instances.dtype == np.int32


def test_every_buffer_takes_the_same_pixels_and_flow_ends_in_the_bent_image():
    camera = dataclasses.replace(CAMERA, lens=LENSES[1])
    pinhole = pinhole_around(camera)
    width, height = pinhole.size_wh
    number = np.arange(width * height, dtype=np.int32).reshape(height, width)
    shift = np.broadcast_to(np.float32([3, -2]), (height, width, 2))
    frame = Frame(
        rgb=np.zeros((height, width, 3), np.uint8),
        depth_m=number.astype(np.float32),
        instances=number,
        parts=number,
        normals=np.repeat(number[..., None], 3, -1).astype(np.float32),
        coordinates=None,
        flow=shift,
        flow_visible=number % 2 == 0,
        amodal=np.stack([number % 2 == 0, number % 3 == 0]),
    )
    made = through_lens(camera, lambda _: frame)
    assert np.array_equal(made.parts, made.instances)
    assert np.array_equal(made.normals[..., 1], made.depth_m)
    assert not made.flow_visible[made.instances % 2 == 1].any()
    assert made.flow_visible[20:-20, 20:-20][made.instances[20:-20, 20:-20] % 2 == 0].all()
    assert np.array_equal(made.amodal[1], made.instances % 3 == 0)
    assert made.coordinates is None
    view = View.of(camera)
    source = source_pixels(camera, pinhole)[60, 40] + (3, -2)
    xy = (source - pinhole.center_px) / pinhole.focal_px
    np.testing.assert_allclose(made.flow[60, 40] + (40, 60), view.on_image(xy[None])[0], atol=0.01)
