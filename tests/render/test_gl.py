"""The OpenGL renderer's labels against rays and TinyRenderer; shadows against rays; what it refuses."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import trimesh
from gl_for_tests import DARK, LAMBERT, body, camera, caster, draw, floor, lit, needs_gl, places_of, soup

from simgen.bullet import p
from simgen.errors import AssetError, RenderError, ViewError
from simgen.geometry import look_at, quat_about, transform
from simgen.render import GlRenderer, TinyRenderer, camera_matrix, poses_of
from simgen.render.gl.topology import is_closed
from simgen.scene import CameraSpec, EnvironmentSpec, LampSpec, LightSpec, MaterialSpec, ObjectSpec, SceneSpec
from simgen.world import World

pytestmark = needs_gl
VIEW = CameraSpec(
    size_wh=(160, 120), focal_px=(190, 200), center_px=(81.3, 57.6), eye_m=(0.1, -0.25, 0.35), roll_rad=0.2, skew=2.0
)
THINGS = (
    floor(),
    ObjectSpec("die", {"kind": "die", "size_m": 0.06}, LAMBERT, (0.03, 0.02, 0.03), tuple(quat_about((0, 0, 1), 0.6))),
    body("ball", {"kind": "lump", "size_m": (0.08, 0.06, 0.05)}, (-0.06, 0.0, 0.03)),
    body("box", {"kind": "box", "size_m": (0.02, 0.05, 0.09)}, (0.02, -0.07, 0.045)),
)
SUN = LampSpec("directional", 5.0, direction=(-0.4, 0.3, -1), angle_rad=0.005)
SCENE = SceneSpec(objects=THINGS, lamps=(SUN,), environment=EnvironmentSpec({"kind": "uniform"}, 1.0), camera=VIEW)


def rays_of(view: CameraSpec) -> tuple[np.ndarray, np.ndarray]:
    """Return the eye (3,) and the (n, 3) rays of depth 1 of all pixels, row by row."""
    width, height = view.size_wh
    u, v = np.meshgrid(np.arange(width), np.arange(height))
    world_T_cam = np.linalg.inv(look_at(view.eye_m, view.target_m, view.roll_rad))
    rays = np.stack([u, v, np.ones_like(u)], -1).reshape(-1, 3) @ np.linalg.inv(camera_matrix(view)).T
    return world_T_cam[:3, 3], rays @ world_T_cam[:3, :3].T


def test_ids_depth_and_normals_are_those_of_rays_through_the_pixels_centres():
    with World(SCENE, Path(), visuals=False) as world:
        frame = GlRenderer().render(world, VIEW)
        mesh, ids = soup(world)
    eye, rays = rays_of(VIEW)
    faces = caster(mesh).intersects_first(np.tile(eye, (len(rays), 1)), rays).reshape(120, 160)
    expected = np.where(faces >= 0, ids[faces], 0)
    assert (frame.instances == expected).mean() > 0.9995
    inside = (frame.instances == expected) & (faces >= 0)
    normal, corner = mesh.face_normals[faces[inside]], mesh.triangles[faces[inside], 0]
    flat = rays.reshape(120, 160, 3)[inside]
    depth = np.einsum("ij,ij->i", normal, corner - eye) / np.einsum("ij,ij->i", normal, flat)
    assert np.abs(frame.depth_m[inside] - depth).max() < 2e-5
    seen = frame.normals[inside] @ look_at(VIEW.eye_m, VIEW.target_m, VIEW.roll_rad)[:3, :3]
    np.testing.assert_allclose(np.linalg.norm(seen, axis=1), 1, atol=1e-5)
    cosine = np.einsum("ij,ij->i", seen, normal)
    assert np.median(cosine) > 0.9999
    assert (cosine > 0.85).mean() > 0.99  # shading normals bend over the edges of the die


def test_labels_say_the_same_as_tiny():
    scene = dataclasses.replace(SCENE, light=LightSpec(shadow=False))
    with World(scene, Path()) as world:
        ours, theirs = GlRenderer().render(world, VIEW), TinyRenderer().render(world, VIEW)
    for number in range(1, 5):
        one, two = ours.instances == number, theirs.instances == number
        assert (one & two).sum() / (one | two).sum() > 0.985
    both = (ours.instances == theirs.instances) & (ours.instances > 0)
    assert np.percentile(np.abs(ours.depth_m - theirs.depth_m)[both], 98) < 1e-4


def test_a_plane_has_its_analytic_depth():
    frame = draw(lit(SUN))
    assert np.abs(frame.depth_m - 1).max() < 1e-6
    assert frame.depth_m.dtype == np.float32


def test_object_coordinates_are_places_in_the_bounding_box():
    frame = draw(SCENE)
    places = places_of(frame, VIEW)
    pose = np.eye(4)
    mask = frame.instances == 4
    local = (places[mask] - (0.02, -0.07, 0.045)) @ pose[:3, :3] / (0.02, 0.05, 0.09) + 0.5
    np.testing.assert_allclose(frame.coordinates[mask], local, atol=1e-3)
    assert not frame.coordinates[frame.instances == 0].any()
    assert set(np.unique(frame.parts)) <= {0, 1}


def test_labels_are_never_blended_and_edges_in_the_colours_are():
    dark = MaterialSpec({"kind": "plain", "colors": [(0, 0, 0)]}, specular=0.0)
    scene = SceneSpec(
        objects=(floor(), body("box", {"kind": "box", "size_m": (0.1, 0.1, 0.02)}, (0, 0, 0.01), dark)),
        light=LightSpec(ambient=1.0, diffuse=0.0),
    )
    view = camera(roll_rad=0.3)
    smooth, hard = draw(scene, view), draw(scene, view, GlRenderer(smooth_edges=False, occlusion=0.0))
    assert set(np.unique(smooth.instances)) == {1, 2}
    assert np.array_equal(smooth.instances, hard.instances)
    assert set(np.unique(hard.rgb)) <= {0, 1, 254, 255}
    between = (smooth.rgb[..., 0] > 20) & (smooth.rgb[..., 0] < 240)
    assert between.sum() > 60
    # In linear light the smoothed picture covers what the exact square covers.
    linear = np.where(smooth.rgb[..., 0] < 11, 0, ((smooth.rgb[..., 0] / 255 + 0.055) / 1.055) ** 2.4)
    assert (1 - linear).sum() == pytest.approx((0.1 * 320 / 0.98) ** 2, rel=0.004)


@pytest.mark.parametrize(
    "lamp",
    [
        SUN,
        LampSpec("point", 100.0, position_m=(0.05, -0.05, 0.25), size_m=(0.001, 0.001)),
        LampSpec("point", 100.0, position_m=(-0.02, 0.06, 0.05), size_m=(0.001, 0.001)),
        LampSpec("spot", 100.0, position_m=(-0.3, -0.3, 0.5), direction=(3, 3, -5), angle_rad=1.0, size_m=(0.001, 0.1)),
    ],
    ids=["directional", "point", "point amid the objects", "spot"],
)
def test_shadows_are_those_of_rays(lamp):
    view = dataclasses.replace(VIEW, size_wh=(320, 240), focal_px=(380, 400), center_px=(160, 117))
    scene = dataclasses.replace(SCENE, lamps=(lamp,), environment=None, camera=view)
    lit_frame = draw(scene)
    dark = draw(dataclasses.replace(scene, lamps=(dataclasses.replace(lamp, shadow=False),)))
    with World(scene, Path(), visuals=False) as world:
        mesh, _ = soup(world)
    place, normal = places_of(lit_frame, view), lit_frame.normals @ look_at(view.eye_m, view.target_m, 0.2)[:3, :3]
    to = -np.array(lamp.direction) if lamp.kind == "directional" else np.array(lamp.position_m) - place
    to = np.broadcast_to(to, place.shape)
    facing = (np.einsum("ijk,ijk->ij", to, normal) > 0.2 * np.linalg.norm(to, axis=-1)) & (lit_frame.instances > 0)
    facing &= dark.rgb.max(-1) > 40
    start = (place + 2e-4 * normal)[facing]
    hit = caster(mesh).intersects_any(start, to[facing])
    if lamp.kind != "directional":
        first = caster(mesh).intersects_location(start[hit], to[facing][hit], multiple_hits=False)
        near = np.linalg.norm(first[0] - start[hit][first[1]], axis=1) < np.linalg.norm(
            to[facing][hit][first[1]], axis=1
        )
        hit[np.flatnonzero(hit)[first[1]]] = near
    shadowed = lit_frame.rgb.max(-1)[facing] < 0.5 * dark.rgb.max(-1)[facing]
    assert hit.mean() > 0.01
    assert (shadowed == hit).mean() > 0.96  # a map has 512 texels; the least exact are six maps around one lamp


def test_same_scene_same_bytes():
    first, second = draw(SCENE), draw(SCENE)
    for name in ("rgb", "depth_m", "instances", "parts", "normals", "coordinates"):
        assert getattr(first, name).tobytes() == getattr(second, name).tobytes()


def test_what_was_drawn_before_changes_nothing():
    first = draw(SCENE)
    draw(
        lit(
            *[LampSpec("point", 10.0)] * 9,
            material=MaterialSpec({"kind": "noise"}, bump_texture={"kind": "noise"}, bump=1.0),
        )
    )
    assert np.array_equal(draw(SCENE).rgb, first.rgb)


def test_flow_takes_pixels_to_where_they_go():
    with World(SCENE, Path(), visuals=False) as world:
        before = poses_of(world)
        after = [pose.copy() for pose in before]
        turn = np.array([[0.8, -0.6, 0], [0.6, 0.8, 0], [0, 0, 1.0]])
        after[3][:3, :3] = turn @ after[3][:3, :3]
        after[3][:3, 3] += (0.01, 0.0, 0.0)
        frame = GlRenderer().render_pair(world, VIEW, before, after, VIEW)
    still = (frame.instances > 0) & (frame.instances != 4)
    assert np.abs(frame.flow[still]).max() < 1e-3
    moved = frame.instances == 4
    places = places_of(frame, VIEW)[moved]
    places = transform(after[3] @ np.linalg.inv(before[3]), places)
    seen = transform(look_at(VIEW.eye_m, VIEW.target_m, VIEW.roll_rad), places) @ camera_matrix(VIEW).T
    v, u = np.nonzero(moved)
    expected = seen[:, :2] / seen[:, 2:] - np.stack([u, v], 1)
    np.testing.assert_allclose(frame.flow[moved], expected, atol=2e-2)
    assert 0.2 < frame.flow_visible[moved].mean() < 1
    assert 0.8 < frame.flow_visible[still].mean() < 1  # the box now hides some of the rest


def test_amodal_silhouettes_are_whole():
    with World(SCENE, Path(), visuals=False) as world:
        frame = GlRenderer(amodal=True).render(world, VIEW)
    assert frame.amodal.shape == (4, 120, 160)
    for number, mask in enumerate(frame.amodal, 1):
        alone = draw(dataclasses.replace(SCENE, objects=(THINGS[number - 1],)))
        assert np.array_equal(mask, alone.instances == 1)
        assert not (frame.instances[~mask] == number).any()


def test_the_environment_or_the_background_is_seen_where_nothing_is():
    empty = SceneSpec(environment=EnvironmentSpec({"kind": "uniform"}, np.pi), camera=camera(exposure_ev=None))
    frame = draw(empty)
    assert not frame.instances.any()
    assert not frame.depth_m.any()
    assert 60 < frame.rgb.mean() < 160
    framed = draw(dataclasses.replace(empty, background={"kind": "plain", "colors": [(10, 200, 30)]}))
    assert np.abs(framed.rgb.astype(int) - (10, 200, 30)).max() <= 1
    assert (draw(SceneSpec(camera=camera())).rgb == 255).all()


def test_open_meshes_show_both_sides(tmp_path):
    sheet = trimesh.Trimesh([[-1, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]], [[0, 2, 1], [0, 3, 2]], process=False)
    sheet.export(tmp_path / "sheet.obj")
    scene = SceneSpec(objects=(body("sheet", {"kind": "mesh", "path": "sheet.obj"}, (0, 0, 0)),), camera=camera())
    with World(scene, tmp_path, visuals=False) as world:
        frame = GlRenderer().render(world, scene.camera)
    assert (frame.instances == 1).all()
    np.testing.assert_allclose(frame.normals, np.broadcast_to([0, 0, -1], (64, 64, 3)), atol=1e-6)


def test_closed_meshes_are_told_from_open_ones():
    ball = trimesh.creation.icosphere()
    assert is_closed(np.array(ball.vertices), np.array(ball.faces))
    assert not is_closed(np.array(ball.vertices), np.array(ball.faces)[1:])
    assert not is_closed(np.array(ball.vertices), np.array(ball.faces)[:, ::-1])


def test_a_camera_or_a_lamp_inside_of_an_object_is_refused():
    with pytest.raises(ViewError, match=r'^camera: expected a place outside of all objects, got one inside "ball"$'):
        draw(SCENE, dataclasses.replace(VIEW, eye_m=(-0.06, 0.0, 0.03)))
    lamp = LampSpec("point", 10.0, position_m=(0.03, 0.02, 0.03))
    with pytest.raises(ViewError, match=r'^lamp 0: expected a place outside of all objects, got one inside "die"$'):
        draw(dataclasses.replace(SCENE, lamps=(lamp,)))


def deep(gap_m: float, leaning: bool = False) -> SceneSpec:
    """Return a room 200 m deep, and a small plate under a camera that looks down from 0.2 m."""
    wall = body("wall", {"kind": "box", "size_m": (200, 200, 0.02)}, (0, 0, -100))
    plate = body("plate", {"kind": "box", "size_m": (0.02, 0.02, 0.002)}, (0.0, 0, 0.2 - gap_m - 0.001))
    # Its box in the world's axes has the camera inside.
    pole = ObjectSpec(
        "pole",
        {"kind": "box", "size_m": (0.02, 0.02, 1.0)},
        LAMBERT,
        (0.2, 0, 0.2),
        tuple(quat_about((0, 1, 0), np.pi / 4)),
    )
    scene = SceneSpec(objects=(wall, plate, *([pole] if leaning else ())), lamps=(SUN,), environment=None)
    return dataclasses.replace(scene, camera=camera(eye_m=(0, 0, 0.2), target_m=(0, 0, 0), focal_px=(60, 60)))


@pytest.mark.parametrize(("gap_m", "leaning"), [(0.05, False), (0.05, True), (0.014, False), (0.014, True)])
def test_what_is_near_is_seen_however_deep_the_scene_is(gap_m, leaning):
    frame = draw(deep(gap_m, leaning))
    assert frame.instances[32, 32] == 2
    assert frame.depth_m[32, 32] == pytest.approx(gap_m, rel=1e-4)


def test_a_camera_that_all_but_touches_a_surface_of_a_deep_scene_is_refused():
    with pytest.raises(ViewError, match=r'^camera: expected at least 0.01\d* m to all surfaces .* 0.005 m to "plate"$'):
        draw(deep(0.005))


def test_a_scene_without_any_light_is_refused():
    with pytest.raises(RenderError, match="expected a lamp or an environment with some light"):
        draw(dataclasses.replace(SCENE, lamps=(), environment=DARK))


def test_a_picture_beyond_the_driver_is_refused():
    with pytest.raises(RenderError, match="expected at most"):
        draw(SCENE, dataclasses.replace(VIEW, size_wh=(40000, 8)))


def test_robots_are_drawn_with_their_links_as_parts(tmp_path):
    urdf = """<robot name="arm"><link name="base"><inertial><origin xyz="0.01 0 0.02"/><mass value="1"/>
      <inertia ixx="1" iyy="1" izz="1" ixy="0" ixz="0" iyz="0"/></inertial>
      <visual><origin xyz="0 0 0.01"/><geometry><box size="0.06 0.05 0.02"/></geometry>
      <material name="red"><color rgba="1 0 0 1"/></material></visual></link>
      <link name="tip"><inertial><origin xyz="0 0 0.02"/><mass value="1"/>
      <inertia ixx="1" iyy="1" izz="1" ixy="0" ixz="0" iyz="0"/></inertial>
      <visual><origin xyz="0 0 0.03" rpy="0.3 0 0"/><geometry><cylinder radius="0.01" length="0.06"/></geometry>
      </visual></link><joint name="j" type="revolute"><parent link="base"/><child link="tip"/>
      <origin xyz="0.01 0 0.02"/><axis xyz="0 1 0"/><limit lower="-2" upper="2" effort="1" velocity="1"/></joint>
      </robot>"""
    (tmp_path / "arm.urdf").write_text(urdf)
    with World(SCENE, tmp_path) as world:
        robot = world.load_robot(tmp_path / "arm.urdf", (-0.02, 0.08, 0.0))
        for angle in (0.0, 0.7):
            p.resetJointState(robot.id, 0, angle, physicsClientId=world.client)
            ours, theirs = GlRenderer().render(world, VIEW), TinyRenderer().render(world, VIEW)
            one, two = ours.instances == 5, theirs.instances == 5
            assert one.sum() > 300
            assert (one & two).sum() / (one | two).sum() > 0.96
            assert set(np.unique(ours.parts[one])) == {1, 2}
    base = ours.rgb[one & (ours.parts == 1)].mean(0)
    assert base[0] > 3 * base[1]


def test_missing_robots_are_named(tmp_path):
    with World(SCENE, tmp_path, visuals=False) as world, pytest.raises(AssetError, match="there is no such file"):
        world.load_robot(tmp_path / "none.urdf")
