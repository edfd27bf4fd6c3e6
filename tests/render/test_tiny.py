"""The pictures against ray tests and against what was put in front of the camera."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from scenes_for_tests import small_dice

from simgen.annotate import View, annotate, silhouettes
from simgen.bullet import p
from simgen.catalog.die import NAMES
from simgen.config import from_dict
from simgen.generate import sample
from simgen.geometry import transform
from simgen.render import TinyRenderer
from simgen.scene import CameraSpec, LightSpec, MaterialSpec, ObjectSpec, SceneSpec
from simgen.world import World

PLAIN = MaterialSpec({"kind": "plain", "colors": [(255, 255, 255)]}, specular=0)
FLAT = LightSpec(direction=(0, 0, 1), ambient=1.0, diffuse=0.0, specular=0.0, shadow=False)
CAMERA = CameraSpec(size_wh=(120, 90), focal_px=(150, 150), center_px=(60.3, 43.6), eye_m=(0.1, -0.2, 0.4))
UP = {"one": (0, 0, 0), "six": (np.pi, 0, 0), "two": (np.pi / 2, 0, 0), "five": (-np.pi / 2, 0, 0)}
UP |= {"three": (0, -np.pi / 2, 0), "four": (0, np.pi / 2, 0)}


def box(name: str, size, place, labelled=False) -> ObjectSpec:
    return ObjectSpec(name, {"kind": "box", "size_m": size}, PLAIN, place, labelled=labelled, class_name=name)


SCENE = SceneSpec(
    objects=(box("table", (1, 1, 0.02), (0, 0, -0.01)), box("block", (0.06, 0.04, 0.05), (0.01, 0.02, 0.025))),
    light=FLAT,
    camera=CAMERA,
)


def test_depth_and_ids_agree_with_rays_through_the_pixel_centres():
    with World(SCENE, Path()) as world:
        frame = TinyRenderer().render(world, CAMERA)
        view = View.of(CAMERA)
        world_T_cam = np.linalg.inv(view.cam_T_world)
        u, v = (a.ravel() for a in np.meshgrid(np.arange(4, 116, 3), np.arange(4, 86, 3)))
        rays = np.stack([u, v, np.ones_like(u)], 1) @ np.linalg.inv(view.matrix).T
        ends = transform(world_T_cam, rays * 2)
        start = world_T_cam[:3, 3]
        hits = p.rayTestBatch([start.tolist()] * len(ends), ends.tolist(), physicsClientId=world.client)
        depth = np.array([h[2] * 2 for h in hits])
        ids = np.array([h[0] for h in hits]) + 1
    assert (frame.instances[v, u] == ids).mean() > 0.995
    same = frame.instances[v, u] == ids
    # A pixel may fall on another side of the block at its edges; half a pixel off, none would be exact.
    assert (np.abs(frame.depth_m[v, u] - depth)[same] < 5e-5).mean() > 0.98


def test_supersampling_averages_colours_and_leaves_ids_whole():
    with World(SCENE, Path()) as world:
        once = TinyRenderer().render(world, CAMERA)
        thrice = TinyRenderer(supersample=3).render(world, CAMERA)
    assert thrice.rgb.shape == once.rgb.shape
    assert set(np.unique(thrice.instances)) <= {0, 1, 2}
    assert (thrice.instances == once.instances).mean() > 0.99


def test_background_is_seen_where_nothing_is():
    scene = SceneSpec(background={"kind": "plain", "colors": [(10, 200, 30)]}, camera=CAMERA)
    with World(scene, Path()) as world:
        frame = TinyRenderer().render(world, CAMERA)
    assert (frame.rgb == (10, 200, 30)).all()
    assert not frame.depth_m.any()


@pytest.mark.parametrize("left_handed", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_the_face_that_is_seen_has_as_many_pips_as_the_label_says(name, left_handed):
    import cv2

    turn = UP[name]
    if left_handed and name in ("three", "four"):
        turn = tuple(-t for t in turn)
    model = {"kind": "die", "size_m": 0.1, "pip_color": (0, 0, 0), "left_handed": left_handed}
    quat = tuple(p.getQuaternionFromEuler(turn))
    die = ObjectSpec("die", model, PLAIN, (0, 0, 0.05), quat, labelled=True)
    camera = CameraSpec(size_wh=(200, 200), focal_px=(1600, 1600), center_px=(99.5, 99.5), eye_m=(0, 0, 1.2))
    with World(SceneSpec(objects=(die,), light=FLAT, camera=camera), Path()) as world:
        frame = TinyRenderer(supersample=2).render(world, camera)
        (annotation,) = annotate(frame, world.bodies, world.poses(), camera)
    assert annotation.class_name == name
    dark = ((frame.rgb.max(-1) < 100) & (frame.instances > 0)).astype(np.uint8)
    pips = cv2.connectedComponents(dark)[0] - 1
    assert NAMES[pips - 1] == name


def test_visible_fraction_and_silhouette_of_a_covered_block():
    lid = box("lid", (0.2, 0.2, 0.01), (0.11, 0.0, 0.2))
    block = box("block", (0.08, 0.08, 0.05), (0.01, 0, 0.025), labelled=True)
    camera = CameraSpec(size_wh=(160, 160), focal_px=(300, 300), center_px=(79.5, 79.5), eye_m=(0, 0, 0.6))
    lone = SceneSpec(objects=(block,), light=FLAT, camera=camera)
    with World(lone, Path()) as world:
        frame = TinyRenderer().render(world, camera)
        alone = int((frame.instances == 1).sum())
        view = View.of(camera)
        (whole,) = silhouettes(world.bodies, view.cam_T_world @ np.array(world.poses()), view)
    assert abs(whole.area_px - alone) <= 0.02 * alone
    assert not whole.truncated
    with World(SceneSpec(objects=(block, lid), light=FLAT, camera=camera), Path()) as world:
        frame = TinyRenderer().render(world, camera)
        (annotation,) = annotate(frame, world.bodies, world.poses(), camera)
    seen = int((frame.instances == 1).sum())
    assert annotation.visible_fraction == pytest.approx(seen / alone, abs=0.02)
    assert 0.2 < annotation.visible_fraction < 0.9
    assert annotation.mask is not None
    assert annotation.mask.sum() == seen


def test_keypoints_lie_on_the_faces_and_know_whether_they_are_seen():
    die = ObjectSpec("die", {"kind": "die", "size_m": 0.1}, PLAIN, (0, 0, 0.05), labelled=True)
    camera = CameraSpec(size_wh=(200, 200), focal_px=(400, 400), center_px=(99.5, 99.5), eye_m=(0, -0.3, 0.5))
    with World(SceneSpec(objects=(die,), light=FLAT, camera=camera), Path()) as world:
        frame = TinyRenderer().render(world, camera)
        (annotation,) = annotate(frame, world.bodies, world.poses(), camera)
    seen = {n: int(v) for n, (_, _, v) in zip(annotation.keypoint_names, annotation.keypoints, strict=True)}
    assert seen["one"] == 2  # up
    assert seen["six"] == 1  # down
    assert seen["five"] == 2  # -y, towards the camera
    assert seen["two"] == 1


@pytest.mark.parametrize("fov_rad", [0.28, 0.5, 1.1])
def test_shadows_touch_what_casts_them_at_any_distance(fov_rad):
    frames = []
    for shadow in (0, 1):
        data = small_dice()
        data["randomize"]["light"] = {"elevation_rad": 0.7, "azimuth_rad": 0.5, "shadow_probability": shadow}
        data["randomize"]["camera"] = {"view_width_m": 0.2, "fov_rad": fov_rad, "tilt_rad": 0, "target_m": 0}
        data["randomize"]["sensor"] = {}
        frames.append(sample(from_dict(data), 0, 1))
    without, cast = frames
    table = cast.instances == 1
    dark = table & ((without.rgb.astype(int) - cast.rgb).max(-1) > 3)
    assert 0.005 < dark.sum() / table.sum() < 0.15
    # Every shadow has a die right beside it.
    _, pieces = cv2.connectedComponents(dark.astype(np.uint8))
    beside = cv2.dilate((cast.instances > 1).astype(np.uint8), np.ones((5, 5))) > 0
    large = [k for k in range(1, pieces.max() + 1) if (pieces == k).sum() >= 12]
    assert large
    assert all((beside & (pieces == k)).any() for k in large)
