"""Amount, direction and files of the light from all around."""

import struct
import zlib

import cv2
import numpy as np
import pytest

from simgen.environments import ENVIRONMENTS, directions, environment_map, horizontal_lux, luminance
from simgen.errors import AssetError, ConfigError
from simgen.scene import EnvironmentSpec

PROCEDURAL = [
    {"kind": "uniform", "color": (0.2, 0.9, 0.4)},
    {"kind": "sky"},
    {"kind": "sky", "overcast": 1.0},
    {"kind": "sky", "sun_elevation_rad": 0.05, "turbidity": 8, "sun_share": 0.7},
    {"kind": "studio"},
    {"kind": "studio", "boxes": [{"elevation_rad": 0.3, "size_rad": (0.2, 1.5)}, {"color": (1, 0.5, 0.2)}]},
]


def lit(section, tmp_path, **rest):
    return environment_map(EnvironmentSpec(section, **rest), tmp_path)


def monte_carlo_lux(radiance, normal, samples=200_000):
    """Integrate the cosine over the sphere by sampling directions, without the map's own weights."""
    rng = np.random.default_rng(0)
    ray = rng.standard_normal((samples, 3))
    ray /= np.linalg.norm(ray, axis=1, keepdims=True)
    height = len(radiance)
    row = np.minimum((np.arccos(ray[:, 2]) / np.pi * height).astype(int), height - 1)
    column = np.floor((np.arctan2(ray[:, 1], ray[:, 0]) / np.pi + 1) * height).astype(int) % (2 * height)
    return float((luminance(radiance)[row, column] * np.maximum(ray @ normal, 0)).mean() * 4 * np.pi)


def write_hdr(path, radiance):
    cv2.imwrite(str(path), np.ascontiguousarray(radiance[..., ::-1], np.float32))


@pytest.mark.parametrize("section", PROCEDURAL)
def test_a_horizontal_surface_gets_the_intensity(section, tmp_path):
    radiance = lit(section, tmp_path, intensity=750.0)
    assert (radiance.shape, radiance.dtype) == ((128, 256, 3), np.float32)
    assert radiance.min() >= 0
    assert np.isfinite(radiance).all()
    assert horizontal_lux(radiance) == pytest.approx(750, rel=1e-4)
    if section["kind"] != "sky" or not section.get("sun_share"):
        assert monte_carlo_lux(radiance, [0, 0, 1]) == pytest.approx(750, rel=0.02)


def test_radiance_one_everywhere_is_pi_lux(tmp_path):
    assert horizontal_lux(np.ones((16, 32, 3))) == pytest.approx(np.pi, rel=1e-12)
    assert lit({"kind": "uniform"}, tmp_path, intensity=np.pi)[3, 5] == pytest.approx([1, 1, 1])


@pytest.mark.parametrize("yaw", [0.5, -2.0, np.pi / 2, 7.0])
def test_yaw_turns_the_light_from_x_towards_y(yaw, tmp_path):
    box = {"kind": "studio", "room": (0, 0, 0), "boxes": [{"elevation_rad": 0.5, "size_rad": (0.4, 0.4)}]}
    radiance = lit(box, tmp_path, yaw_rad=yaw)
    middle = (luminance(radiance)[..., None] * directions(128) * (directions(128)[..., 2:] > 0)).sum((0, 1))
    assert np.arctan2(middle[1], middle[0]) == pytest.approx((yaw + np.pi) % (2 * np.pi) - np.pi, abs=1e-3)
    assert horizontal_lux(radiance) == pytest.approx(500, rel=1e-4)


def test_row_zero_is_up_and_the_azimuth_runs_from_x_to_y(tmp_path):
    ray = directions(64)
    assert ray[0, 0, 2] > 0.999
    assert ray[-1, 0, 2] < -0.999
    assert ray[32, 64] == pytest.approx([1, 0, 0], abs=0.06)
    assert ray[32, 96] == pytest.approx([0, 1, 0], abs=0.06)
    overhead = {"kind": "studio", "room": (0, 0, 0), "floor": (0, 0, 0), "boxes": [{"elevation_rad": np.pi / 2}]}
    radiance = luminance(lit(overhead, tmp_path))
    assert radiance[0].min() == radiance.max()  # the same straight up, whatever the azimuth
    assert radiance[64:].max() == 0


def test_the_sky_is_brightest_at_the_sun_blue_away_from_it_and_reddish_when_it_sets(tmp_path):
    high = lit({"kind": "sky", "sun_elevation_rad": 0.7, "sun_azimuth_rad": 2.0}, tmp_path, intensity=None)
    row, column = np.unravel_index(luminance(high).argmax(), high.shape[:2])
    assert directions(128)[row, column] == pytest.approx(
        [np.cos(0.7) * np.cos(2), np.cos(0.7) * np.sin(2), np.sin(0.7)], abs=0.05
    )
    away = high[40, (column + 128) % 256]
    assert away[2] > 1.3 * away[0]
    low = lit({"kind": "sky", "sun_elevation_rad": 0.02, "turbidity": 6}, tmp_path)
    warm = low[62, 128]
    assert warm[0] > 1.3 * warm[2]
    assert 3_000 < horizontal_lux(high) < 30_000  # the light of a clear sky without its sun


def test_an_overcast_sky_is_three_times_as_bright_overhead_as_at_the_horizon(tmp_path):
    radiance = luminance(lit({"kind": "sky", "overcast": 1.0}, tmp_path))
    assert radiance[0, 0] / radiance[63, 0] == pytest.approx(3, rel=0.05)


def test_the_floor_gives_back_what_falls_on_it(tmp_path):
    radiance = lit({"kind": "studio", "floor": (0.5, 0.5, 0.5)}, tmp_path, intensity=300.0)
    assert luminance(radiance)[100] == pytest.approx(0.5 * 300 / np.pi, rel=1e-4)


def test_an_hdr_file_keeps_its_values_and_is_not_mirrored(tmp_path):
    panorama = np.ones((32, 64, 3), np.float32)
    panorama[:, :32] = (40.0, 2.0, 0.5)  # left of the middle: to the left of +x, which is +y
    write_hdr(tmp_path / "room.hdr", panorama)
    radiance = lit({"kind": "image", "path": "room.hdr", "height_px": 32}, tmp_path, intensity=None)
    y = directions(32)[..., 1]
    assert radiance[y > 0] == pytest.approx(np.broadcast_to([40.0, 2.0, 0.5], radiance[y > 0].shape), rel=0.01)
    assert radiance[y < 0] == pytest.approx(1, rel=0.01)
    scaled = lit({"kind": "image", "path": "room.hdr"}, tmp_path, intensity=123.0)
    assert horizontal_lux(scaled) == pytest.approx(123, rel=1e-4)


def test_a_png_is_made_linear_and_a_changed_file_is_read_again(tmp_path):
    cv2.imwrite(str(tmp_path / "room.png"), np.full((16, 32, 3), 188, np.uint8))
    section = {"kind": "image", "path": "room.png", "height_px": 16}
    assert lit(section, tmp_path, intensity=None) == pytest.approx(0.503, abs=0.002)
    cv2.imwrite(str(tmp_path / "room.png"), np.random.default_rng(0).integers(0, 255, (16, 32, 3), np.uint8))
    assert lit(section, tmp_path, intensity=None).std() > 0.1


def test_the_same_map_is_handed_out_again_and_cannot_be_written_to(tmp_path):
    first = lit({"kind": "sky"}, tmp_path)
    assert lit({"kind": "sky"}, tmp_path) is first
    assert not first.flags.writeable


def test_files_that_cannot_be_used(tmp_path, capfd):
    write_hdr(tmp_path / "good.hdr", np.random.default_rng(0).uniform(0, 9, (64, 128, 3)))
    whole = (tmp_path / "good.hdr").read_bytes()
    (tmp_path / "cut.hdr").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "text.hdr").write_text("no picture")
    (tmp_path / "empty.png").write_bytes(b"")
    cv2.imwrite(str(tmp_path / "square.png"), np.zeros((20, 20, 3), np.uint8))
    head = struct.pack(">IIBBBBB", 2**16, 2**15, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", 13) + b"IHDR" + head + struct.pack(">I", zlib.crc32(b"IHDR" + head))
    (tmp_path / "huge.png").write_bytes(b"\x89PNG\r\n\x1a\n" + chunk)
    (tmp_path / "huge.hdr").write_bytes(b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 40000 +X 80000\n")
    (tmp_path / "some.exr").write_bytes(b"\x76\x2f\x31\x01" + bytes(64))
    sentences = {
        "none.hdr": "cannot be read: No such file or directory",
        "cut.hdr": "expected a whole .hdr, .exr, .png or .jpg file, got one that cannot be decoded",
        "text.hdr": "got one that cannot be decoded",
        "empty.png": "got one that cannot be decoded",
        "some.exr": "got one that cannot be decoded; this OpenCV reads no .exr, convert it to .hdr",
        "square.png": "expected a panorama twice as wide as high, got 20 x 20 pixels",
        "huge.png": "expected at most 67108864 pixels, got 65536 x 32768",
        "huge.hdr": "expected at most 67108864 pixels, got 80000 x 40000",
    }
    for name, sentence in sentences.items():
        with pytest.raises(AssetError) as caught:
            lit({"kind": "image", "path": name}, tmp_path)
        assert str(caught.value).startswith(f'environment "{tmp_path / name}": ')
        assert str(caught.value).endswith(sentence)
    assert capfd.readouterr().err == ""  # OpenCV's own complaints


def test_mistakes_are_one_sentence(tmp_path):
    with pytest.raises(ConfigError, match=r'environment\.kind: unknown kind "studo" \(did you mean "studio"\?\)'):
        lit({"kind": "studo"}, tmp_path)
    with pytest.raises(ConfigError, match=r'unknown key "turbitidy" \(did you mean "turbidity"\?\)'):
        lit({"kind": "sky", "turbitidy": 3}, tmp_path)
    with pytest.raises(ConfigError, match="expected 500 lux from above, got a map that is dark there"):
        lit({"kind": "uniform", "color": (0, 0, 0)}, tmp_path)
    with pytest.raises(ConfigError, match="expected lux >= 0, got -5"):
        lit({"kind": "sky"}, tmp_path, intensity=-5.0)
    assert set(ENVIRONMENTS) == {"uniform", "sky", "studio", "image"}
