from pathlib import Path

import cv2
import numpy as np
import pytest

from simgen.catalog import build_model
from simgen.catalog.charuco import CharucoPlate
from simgen.errors import ConfigError

PLATE = CharucoPlate()


def board() -> cv2.aruco.CharucoBoard:
    dictionary = cv2.aruco.getPredefinedDictionary(cv2.aruco.DICT_6X6_250)
    return cv2.aruco.CharucoBoard((5, 7), 0.036195, 0.018256, dictionary)


def test_keypoints_are_opencv_s_corners_in_its_order():
    points = PLATE.keypoints_m()
    assert list(points) == [f"corner_{number:02d}" for number in range(24)]
    np.testing.assert_allclose(list(points.values()), board().getChessboardCorners(), atol=1e-8)


def test_the_front_carries_the_texture_where_the_frame_says():
    mesh = PLATE.mesh(Path())
    front = np.flatnonzero(mesh.normals[:, 2] < -0.5)
    np.testing.assert_array_equal(front, range(4))
    corners, uvs = mesh.vertices_m[front], mesh.uvs[front]
    assert np.all(corners[:, 2] == 0)
    size = np.array(PLATE.texture_size_wh())
    rim = int(np.ceil(PLATE.rim_m / PLATE.square_m * PLATE.square_px))
    # From metres to texture pixels straight from the definition: the print starts where the drawn rim ends.
    np.testing.assert_allclose(uvs * size, corners[:, :2] / PLATE.square_m * PLATE.square_px + rim, atol=1e-9)


def test_the_mesh_is_a_closed_box_that_looks_outwards():
    mesh, triangles = PLATE.mesh(Path()), None
    triangles = mesh.vertices_m[mesh.faces]
    volume = np.einsum("ij,ij->i", triangles[:, 0], np.cross(triangles[:, 1], triangles[:, 2])).sum() / 6
    size = np.ptp(mesh.vertices_m, axis=0)
    np.testing.assert_allclose(size, [0.180975 + 0.024, 0.253365 + 0.024, 0.003])
    assert volume == pytest.approx(size.prod())
    np.testing.assert_allclose(mesh.vertices_m.mean(0), PLATE.center_m(Path()))


def test_opencv_finds_every_corner_of_the_print():
    width, height = PLATE.texture_size_wh()
    painted = PLATE.paint(np.full((height, width, 3), 240, np.uint8))
    assert set(np.unique(painted)) == {15, 240}
    corners, ids, _, _ = cv2.aruco.CharucoDetector(board()).detectBoard(painted[..., 0])
    rim = int(np.ceil(PLATE.rim_m / PLATE.square_m * PLATE.square_px))
    wanted = np.array(list(PLATE.keypoints_m().values()))[:, :2] / PLATE.square_m * PLATE.square_px + rim - 0.5
    assert len(ids) == 24
    np.testing.assert_allclose(np.reshape(corners, (-1, 2)), wanted[ids.ravel()], atol=0.01)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"dictionary": "DICT_6X6_205"}, 'unknown marker dictionary "DICT_6X6_205" (did you mean "DICT_6X6_250"?)'),
        ({"marker_m": 0.04}, "marker_m: expected less than square_m (0.036195), got 0.04"),
        ({"square_px": 512, "squares": [9, 9]}, "square_px: expected a print of at most 4096 pixels, got 512 a square"),
        ({"squares": [12, 12], "dictionary": "DICT_4X4_50"}, "expected at most 50 markers of DICT_4X4_50, got 72"),
    ],
)
def test_what_cannot_be_printed_is_refused(fields, sentence):
    with pytest.raises(ConfigError) as caught:
        build_model({"kind": "charuco_plate", **fields})
    assert sentence in str(caught.value)
