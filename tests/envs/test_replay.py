"""An episode that was recorded, as (seed, domain, actions), is the same to the byte in another environment."""

import numpy as np
import pytest
from envs_fakes import flat, make

import simgen.envs

SETTINGS = {
    "simgen/BinPick-v0": {"obs": ("rgbd", "state")},
    "simgen/PoseEstimation-v0": {"scenes": 20, "orientation": "6d"},
    "simgen/ActiveView-v0": {"terminate": False, "obs": ("rgb", "camera", "state")},
}
"""Those under which an episode has many steps and much is seen."""
FEW, MANY, STEPS = 5, 50, 8


def played(env, seed, actions, domain=None):
    """Return all that is said, in bytes and numbers."""
    observation, info = env.reset(seed=seed, options={"domain": domain})
    said = [(flat(observation), info)]
    for action in actions:
        observation, *rest, info = env.step(action)
        said.append((flat(observation), *rest, info))
    return said


def replays(name, count):
    """Return what was said in `count` recorded episodes, and in their replays elsewhere in another order."""
    general = {"obs": ("state", "rgb"), "image_size": 24, "randomization": "high"}
    source, other = (make(name, **general | SETTINGS.get(name, {"terminate": False})) for _ in range(2))
    rng = np.random.default_rng(20)
    low, high = source.action_space.low, source.action_space.high
    steps = 1 if name == "simgen/BinPick-v0" else STEPS
    records = []
    for seed in rng.integers(2**31, size=count).tolist():
        actions = rng.uniform(low, high, (steps, *low.shape)).astype(np.float32)
        records.append((seed, actions, played(source, seed, actions)))
    again = [played(other, seed, actions, said[0][1]["domain"]) for seed, actions, said in reversed(records)]
    source.close()
    other.close()
    return [said for *_, said in records], again[::-1]


def require_unlike(episodes):
    assert len({said[-1][0] for said in episodes}) == len(episodes)


@pytest.mark.parametrize("name", simgen.envs.ENVS)
def test_some_records_are_replayed_in_another_order_elsewhere(name):
    recorded, replayed = replays(name, FEW)
    assert replayed == recorded
    require_unlike(recorded)


@pytest.mark.slow
@pytest.mark.parametrize("name", simgen.envs.ENVS)
def test_fifty_records_are_replayed_in_another_order_elsewhere(name):
    recorded, replayed = replays(name, MANY)
    assert replayed == recorded
    require_unlike(recorded)
