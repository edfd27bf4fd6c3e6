"""The page on environments says what each observes and does."""

import math
import re
from pathlib import Path

import gymnasium
import pytest
from gymnasium import spaces

import simgen.envs

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "environments.md").read_text("utf-8")
ROWS = {name: cells for name, *cells in re.findall(r"^\| \[`(\w+)`\]\(#\w+\) \| (.*?) \| (\d+) \|", PAGE, re.MULTILINE)}


def shapes(space):
    boxes = dict(space) if isinstance(space, spaces.Dict) else {"a picture": space}
    return {f"{name} {box.shape}".replace(",)", ")") for name, box in boxes.items()}


@pytest.mark.parametrize("name", simgen.envs.ENVS)
def test_the_spaces_are_those_of_the_page(name):
    short = name.removeprefix("simgen/").removesuffix("-v0")
    observation, action = ROWS[short]
    with gymnasium.make(name) as env:
        said = {part.strip(",").replace("`", "").strip() for part in re.findall(r"[^(]+\([\d, ]+\)", observation)}
        assert said == shapes(env.observation_space)
        assert int(action) == math.prod(env.action_space.shape)
    assert f"\n## {short}\n\n![{short}](images/envs/{short.lower()}.png)\n" in PAGE
    assert (Path(__file__).resolve().parents[2] / "docs" / "images" / "envs" / f"{short.lower()}.png").is_file()
