"""The scene that renderers are timed on: a table, 15 bodies of 50,000 triangles, three lamps, light from all around."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from simgen.scene import CameraSpec, EnvironmentSpec, LampSpec, LightSpec, MaterialSpec, ObjectSpec, SceneSpec

BODIES = 15
ROWS, COLUMNS = 30, 58
TRIANGLES = BODIES * 2 * (ROWS - 1) * COLUMNS + 12
LAMPS = (
    LampSpec("directional", 900, direction=(-0.4, 0.3, -0.85), angle_rad=0.12),
    LampSpec("area", 1500, 4500, position_m=(0.8, -0.6, 1.1), direction=(-0.54, 0.41, -0.74), size_m=(0.6, 0.4)),
    LampSpec("spot", 700, 3200, position_m=(-0.7, 0.5, 1.0), direction=(0.53, -0.38, -0.76), angle_rad=1.0),
)
STUDIO = EnvironmentSpec({"kind": "studio", "boxes": [{"azimuth_rad": 1.0}, {"elevation_rad": 1.4}]}, 400.0)
PATTERNS = ("marble", "wood", "noise", "speckle", "stripes")


def write_meshes(folder: Path) -> None:
    """Write the bodies' OBJ files: bumpy balls, each of `2 (ROWS - 1) COLUMNS` triangles with texture coordinates."""
    for number in range(BODIES):
        (folder / f"ball_{number}.obj").write_text(_ball(number), "utf-8")


def _ball(number: int) -> str:
    v, u = np.meshgrid(np.linspace(0, np.pi, ROWS), np.linspace(0, 2 * np.pi, COLUMNS + 1), indexing="ij")
    radius = 0.035 * (1 + 0.12 * np.sin((2 + number % 4) * u) * np.sin(3 * v) ** 2)
    points = np.stack([np.sin(v) * np.cos(u), np.sin(v) * np.sin(u), np.cos(v)], -1) * radius[..., None]
    lines = [f"v {x:.6f} {y:.6f} {z:.6f}" for x, y, z in points.reshape(-1, 3)]
    lines += [f"vt {a:.5f} {b:.5f}" for a, b in np.stack([u / (2 * np.pi), 1 - v / np.pi], -1).reshape(-1, 2)]
    for row in range(ROWS - 1):
        for column in range(COLUMNS):
            a = row * (COLUMNS + 1) + column + 1
            b, c, d = a + COLUMNS + 1, a + COLUMNS + 2, a + 1
            lines += [f"f {a}/{a} {b}/{b} {c}/{c}", f"f {a}/{a} {c}/{c} {d}/{d}"]
    return "\n".join(lines) + "\n"


def reference_scene(size_wh: tuple[int, int], one_light: bool = False) -> SceneSpec:
    """Return the scene. With `one_light` it has one lamp with a soft shadow and no light from all around."""
    table = ObjectSpec(
        "table", {"kind": "box", "size_m": (1.2, 1.2, 0.02), "texture_px": 512}, _look(99), (0, 0, -0.01)
    )
    bodies = [
        ObjectSpec(
            f"ball_{n}",
            {"kind": "mesh", "path": f"ball_{n}.obj"},
            _look(n),
            (0.11 * (n % 5 - 2), 0.13 * (n // 5 - 1), 0.035),
            labelled=True,
            class_name="ball",
        )
        for n in range(BODIES)
    ]
    width, height = size_wh
    camera = CameraSpec(
        size_wh=size_wh,
        focal_px=(1.1 * width, 1.1 * width),
        center_px=((width - 1) / 2, (height - 1) / 2),
        eye_m=(0.0, -0.55, 0.5),
        target_m=(0.0, -0.02, 0.0),
    )
    return SceneSpec(
        objects=(table, *bodies),
        light=LightSpec(direction=(0.4, -0.3, 0.85), shadow=True),
        lamps=LAMPS[:1] if one_light else LAMPS,
        environment=None if one_light else STUDIO,
        camera=camera,
    )


def moved(camera: CameraSpec, frame: int) -> CameraSpec:
    """Return the camera a little farther round, so that no frame is another's copy."""
    angle = 0.05 * frame
    x, y, z = camera.eye_m
    eye = (np.cos(angle) * x - np.sin(angle) * y, np.sin(angle) * x + np.cos(angle) * y, z)
    return replace(camera, eye_m=tuple(float(v) for v in eye))


def _look(number: int) -> MaterialSpec:
    rng = np.random.default_rng(number)
    colors = [tuple(int(v) for v in rng.integers(30, 230, 3)) for _ in range(3)]
    texture = {"kind": PATTERNS[number % len(PATTERNS)], "colors": colors, "scale": 4.0, "seed": number}
    coat = 1.0 if number % 3 == 0 else 0.0
    return MaterialSpec(
        texture, 0.5, roughness=0.2 + 0.04 * (number % 15), clear_coat=coat, metallic=float(number % 5 == 4)
    )
