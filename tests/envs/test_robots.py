"""Arms: kinematics against PyBullet's, coarse surfaces, motors."""

from pathlib import Path

import numpy as np
import pytest

from simgen.bullet import p
from simgen.catalog.mesh import cube_faces, cube_sides
from simgen.envs.robots import ROBOTS, Arm
from simgen.envs.robots.lowpoly import clustered
from simgen.scene import SceneSpec
from simgen.world import World


@pytest.fixture(params=ROBOTS)
def arm(request):
    with World(SceneSpec(), Path()) as world:
        yield Arm(world, ROBOTS[request.param])


def test_forward_kinematics_is_pybullet_s(arm):
    rng = np.random.default_rng(0)
    for _ in range(10):
        q = rng.uniform(arm.chain.low_rad, arm.chain.high_rad)
        arm.rest(q)
        np.testing.assert_allclose(arm.chain.tool(q), arm.tool_pose(), atol=1e-6)
        np.testing.assert_allclose(arm.tool()[0], arm.tool_pose()[:3, 3])


def test_the_jacobian_is_the_derivative(arm):
    q, step = np.array(arm.model.home_rad), 1e-6
    jacobian = arm.chain.jacobian(arm.chain.frames(q))
    pose = arm.chain.tool(q)
    for joint, unit in enumerate(np.eye(len(q))):
        change = (arm.chain.tool(q + step * unit) - arm.chain.tool(q - step * unit)) / (2 * step)
        np.testing.assert_allclose(jacobian[:3, joint], change[:3, 3], atol=1e-7)
        spin = change[:3, :3] @ pose[:3, :3].T
        np.testing.assert_allclose(jacobian[3:, joint], [spin[2, 1], spin[0, 2], spin[1, 0]], atol=1e-7)


def test_inverse_kinematics_comes_to_the_pose_within_the_limits(arm):
    rest, pose = np.array(arm.model.home_rad), np.eye(4)
    pose[:3, :3] = np.diag([-1.0, 1.0, -1.0])
    for place in ([0.5, 0.1, 0.2], [0.4, -0.2, 0.3], [0.6, 0.0, 0.1]):
        pose[:3, 3] = place
        q = arm.chain.solve(rest, pose, rest, steps=200)
        np.testing.assert_allclose(arm.chain.tool(q), pose, atol=2e-3)
        assert (arm.chain.low_rad <= q).all()
        assert (q <= arm.chain.high_rad).all()


def test_surfaces_are_coarse_and_there(arm):
    shapes = p.getVisualShapeData(arm.id, physicsClientId=arm._client)
    meshes = [Path(shape[4].decode()) for shape in shapes if shape[2] == p.GEOM_MESH]
    faces = [path.read_text().count("\nf ") for path in meshes]
    assert min(faces) >= 8
    assert sum(faces) < 2500


def test_clustering_keeps_a_box_and_merges_what_is_near():
    grid = np.stack(np.meshgrid(np.arange(4.0), np.arange(4.0)), -1).reshape(-1, 2)
    vertices = np.column_stack([grid, np.zeros(16)])
    quads = [(r * 4 + c, r * 4 + c + 1, r * 4 + c + 5, r * 4 + c + 4) for r in range(3) for c in range(3)]
    faces = np.array([face for a, b, c, d in quads for face in ((a, b, c), (a, c, d))])
    same, all_faces = clustered(vertices, faces, 0.5)
    assert (len(same), len(all_faces)) == (16, 18)
    merged, few = clustered(vertices, faces, 2.0)
    assert len(merged) == 4
    np.testing.assert_allclose(sorted(merged.tolist()), [[0.5, 0.5, 0], [0.5, 2.5, 0], [2.5, 0.5, 0], [2.5, 2.5, 0]])
    assert len(few) == 2


def test_clustering_keeps_edges_and_corners_of_a_box_where_they_are():
    lines = np.linspace(-1, 1, 9)
    points, faces = cube_sides(lines).reshape(-1, 3), cube_faces(len(lines))
    welded, number = np.unique(points.round(9), axis=0, return_inverse=True)
    merged, few = clustered(welded, number.reshape(-1)[faces], 0.7)
    assert len(few) < len(faces) / 5
    np.testing.assert_allclose([merged.min(0), merged.max(0)], [[-1] * 3, [1] * 3], atol=1e-9)
    for corner in np.array(np.meshgrid(*[[-1, 1]] * 3)).T.reshape(-1, 3):
        assert np.abs(merged - corner).max(1).min() < 1e-9
