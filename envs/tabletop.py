"""Pieces of nominal scenes: a table, plain things on it, and a marker of a goal."""

from simgen.scene import LightSpec, MaterialSpec, ObjectSpec, Plain, Rgb, SceneSpec, Vec3

LIGHT = LightSpec(direction=(0.5, 0.4, 1.0), ambient=0.62, diffuse=0.4, specular=0.05, shadow=False)
BACKGROUND: Plain = {"kind": "plain", "colors": [(205, 208, 212)]}
TEXTURE_PX = 64


def plain(color: Rgb, specular: float = 0.1) -> MaterialSpec:
    """Return a surface of one colour."""
    return MaterialSpec({"kind": "plain", "colors": [color]}, specular)


def table() -> ObjectSpec:
    """Return the table; its top is at z = 0, the robot's base at the origin near one edge."""
    model = {"kind": "box", "size_m": (1.3, 1.6, 0.04), "texture_px": TEXTURE_PX, "bottom": False}
    return ObjectSpec("table", model, plain((150, 120, 92), 0.05), (0.4, 0.0, -0.02), friction=0.6)


def marker(radius_m: float = 0.02) -> ObjectSpec:
    """Return the ball that shows a goal; name it among the environment's `ghosts`."""
    return ObjectSpec("goal", {"kind": "sphere", "radius_m": radius_m}, plain((40, 190, 70)), (0.5, 0.0, 0.3))


def block(name: str, size_m: Vec3, color: Rgb, place_m: Vec3) -> ObjectSpec:
    """Return a box that moves; let it stand clear of all else in the nominal scene."""
    model = {"kind": "box", "size_m": size_m, "texture_px": TEXTURE_PX}
    return ObjectSpec(name, model, plain(color), place_m, mass_kg=0.1, friction=0.5, restitution=0.05)


def tabletop(*things: ObjectSpec) -> SceneSpec:
    """Return a table with things."""
    return SceneSpec((table(), *things), LIGHT, background=BACKGROUND)
