"""Labels through a lens, against rays that never saw the projection: undistorted pixels into PyBullet."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from rays_for_tests import ray_frame

from simgen.annotate import View, annotate, silhouettes
from simgen.geometry import transform
from simgen.scene import CameraSpec, MaterialSpec, ObjectSpec, SceneSpec
from simgen.world import World

PLAIN = MaterialSpec({"kind": "plain", "colors": [(255, 255, 255)]})
CAMERA = CameraSpec(
    size_wh=(160, 120), focal_px=(110, 120), center_px=(81.0, 58.0), eye_m=(0.1, -0.2, 0.3), skew=3.0, roll_rad=0.2
)
LENSES = [None, {"kind": "brown", "k1": -0.2, "k2": 0.02, "p1": 0.004, "p2": -0.006}, {"kind": "fisheye", "k1": 0.1}]
DIE = ObjectSpec("die", {"kind": "die", "size_m": 0.05}, PLAIN, (0.08, 0.07, 0.025), labelled=True)
BOX = ObjectSpec("box", {"kind": "box", "size_m": (0.06, 0.05, 0.03)}, PLAIN, (-0.1, 0.0, 0.015), labelled=True)
SCENE = SceneSpec(objects=(DIE, dataclasses.replace(BOX, class_name="box")), camera=CAMERA)


@pytest.mark.parametrize("lens", LENSES)
def test_silhouettes_and_keypoints_are_where_the_rays_say(lens):
    camera = dataclasses.replace(CAMERA, lens=lens)
    with World(SCENE, Path()) as world:
        frame = ray_frame(world, camera)
        poses = world.poses()
        found = annotate(frame, world.bodies, poses, camera)
        view = View.of(camera)
        whole = [s.area_px for s in silhouettes(world.bodies, view.cam_T_world @ np.array(poses), view)]
    seen = [int((frame.instances == n).sum()) for n in (1, 2)]
    assert min(seen) > 300
    # PyBullet's die is a box, the silhouette's has round edges.
    assert whole[0] == pytest.approx(seen[0], rel=0.12)
    assert whole[1] == pytest.approx(seen[1], rel=0.01)
    die = found[0]
    visible = die.keypoints[die.keypoints[:, 2] == 2]
    assert len(visible) >= 2
    for (u, v, flag), point in zip(die.keypoints, world.bodies[0].model.keypoints_m().values(), strict=True):
        if flag == 2:
            depth = transform(die.cam_T_object, [point])[0, 2]
            assert frame.depth_m[round(v), round(u)] == pytest.approx(depth, abs=0.003)


def test_a_lens_moves_the_labels():
    places = []
    for lens in LENSES:
        camera = dataclasses.replace(CAMERA, lens=lens)
        view = View.of(camera)
        places.append(view.pixels(transform(view.cam_T_world, [[0.1, 0.1, 0.0]]))[0])
    assert np.linalg.norm(places[0] - places[1]) > 1
    assert np.linalg.norm(places[0] - places[2]) > 1


def test_a_body_that_reaches_over_the_border_of_a_bent_image_keeps_its_silhouette():
    far = dataclasses.replace(BOX, position_m=(0.27, -0.06, 0.0))
    camera = dataclasses.replace(CAMERA, lens=LENSES[1])
    with World(SceneSpec(objects=(far,), camera=camera), Path()) as world:
        view = View.of(camera)
        found = silhouettes(world.bodies, view.cam_T_world @ np.array(world.poses()), view)[0]
        frame = ray_frame(world, camera)
    seen = int((frame.instances == 1).sum())
    assert found.truncated
    assert 0 < seen < found.area_px < 4 * seen + 2000


def test_a_mask_is_whole_where_the_picture_lies_outside_of_the_projected_vertices():
    camera = CAMERA
    with World(SCENE, Path()) as world:
        frame = ray_frame(world, camera)
        poses = world.poses()
        moved = dataclasses.replace(frame, instances=np.roll(frame.instances, 15, axis=1))
        found = annotate(moved, world.bodies, poses, camera)
    assert len(found) == 2
    for a in found:
        assert np.array_equal(a.mask, moved.instances == a.instance_id)
        rows, columns = np.nonzero(a.mask)
        np.testing.assert_array_equal(a.box_xyxy, [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1])


@pytest.mark.parametrize("lens", LENSES)
def test_bodies_measured_together_are_as_each_alone(lens):
    behind = dataclasses.replace(BOX, position_m=(0.1, -0.25, 0.29))
    scene = dataclasses.replace(SCENE, objects=(*SCENE.objects, behind))
    view = View.of(dataclasses.replace(CAMERA, lens=lens))
    with World(scene, Path()) as world:
        poses = view.cam_T_world @ np.array(world.poses())
        together = silhouettes(world.bodies, poses, view)
        alone = [silhouettes([b], pose[None], view)[0] for b, pose in zip(world.bodies, poses, strict=True)]
    assert together == alone
    assert [s.low_xy is None for s in together] == [False, False, True]
    assert silhouettes([], np.zeros((0, 4, 4)), view) == []
