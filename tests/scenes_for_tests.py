"""Small scenes that render in a moment."""

from pathlib import Path
from typing import Any

from simgen.config import Config, from_dict

WHITE = {"color": {"saturation": 0, "value": 1}, "specular": 0}


def small_dice(**changes: Any) -> dict[str, Any]:
    """Return the plain data of a small dice scene."""
    data: dict[str, Any] = {
        "classes": ["one", "two", "three", "four", "five", "six"],
        "output": {"size_wh": [160, 120], "image": "png"},
        "randomize": {
            "surface": {"size_m": 1.0},
            "dice": {"count": [2, 4], "pips": [{"saturation": 0, "value": 0}]},
            "drop": {"spread_m": 0.02, "limit_m": 0.05, "center_m": 0},
            "light": {},
            "camera": {"view_width_m": 0.15},
            "sensor": {"noise": 3, "blur_px": 0.5},
        },
    }
    return {**data, **changes}


def config(**changes: Any) -> Config:
    """Return the config of a small dice scene."""
    return from_dict(small_dice(**changes), Path())
