"""What each environment looks like: its first, middle and last moment under a policy that knows all, then randomized.

python examples/05_environments.py [--seed 3] [--size 200]

It draws reach.png, push.png, ...: three moments of the nominal scene, and the first moments of three episodes under
"medium". A few seconds.
"""

import argparse
from collections.abc import Callable
from typing import Any

import cv2
import gymnasium
import numpy as np
from numpy.typing import NDArray

import simgen.envs
from simgen.envs.bin_pick import BinPick
from simgen.envs.experts import BinPickExpert, GraspExpert

Image = NDArray[np.uint8]
SETTINGS: dict[str, dict[str, Any]] = {
    **{name: {"cameras": "side"} for name in ("Reach", "Push", "Grasp", "BinPick")},
    "PoseEstimation": {"scenes": 5},
    "ActiveView": {},
}


def towards(place: NDArray[Any], goal: NDArray[Any]) -> NDArray[Any]:
    """Return the action that moves the tool from a place towards another."""
    return np.clip((goal - place) / 0.1, -1, 1)


def push(observation: Any) -> NDArray[Any]:
    """Return the action that brings the hand behind the cube, down, and then towards the goal."""
    tool, cube, goal = observation["observation"][:3], observation["achieved_goal"], observation["desired_goal"]
    way = (goal - cube)[:2] / np.linalg.norm((goal - cube)[:2])
    behind = np.array([*(cube[:2] - 0.07 * way), 0.03])
    aside = np.linalg.norm((tool - behind)[:2])
    if aside > 0.03 and tool[2] < 0.11 and (tool - cube)[:2] @ way > -0.04:
        return towards(tool, np.array([*tool[:2], 0.15]))
    if aside > 0.03 and tool[2] > 0.1:
        return towards(tool, np.array([*behind[:2], 0.14]))
    return towards(tool, behind if tool[2] > 0.05 else np.array([*(cube[:2] + 0.02 * way), 0.03]))


def policies() -> dict[str, Callable[[Any, Any], Any]]:
    """Return a policy for each environment, of the environment and what it observes as its state."""
    grasp = GraspExpert()
    return {
        "Reach": lambda env, seen: towards(seen["achieved_goal"], seen["desired_goal"]),
        "Push": lambda env, seen: push(seen),
        "Grasp": lambda env, seen: grasp(seen),
        "BinPick": lambda env, seen: BinPickExpert(env)(),
        "PoseEstimation": lambda env, seen: seen,
        "ActiveView": lambda env, seen: env.greedy(),
    }


def film(env: Any, policy: Callable[[Any, Any], Any], seed: int, size: int) -> list[Image]:
    """Return a picture of each moment of an episode."""
    seen, _ = env.reset(seed=seed)
    pictures, over = [picture(env, size)], False
    if isinstance(env, BinPick):  # one action is a film of its own
        return pictures + [picture(env, size) for _ in env.carry_out(env.grasp_of(policy(env, seen)))]
    while not over and len(pictures) < 101:
        seen, _, over, _, _ = env.step(policy(env, seen))
        pictures.append(picture(env, size))
    return pictures


def picture(env: Any, size: int) -> Image:
    """Return what the first camera sees now."""
    return env.frame(next(iter(env.studio.views)), (size, size)).rgb


def main() -> None:
    """Draw all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=3)
    parser.add_argument("--size", type=int, default=160)
    options = parser.parse_args()
    simgen.envs.register_all()
    for name, policy in policies().items():
        env: Any = gymnasium.make(f"simgen/{name}-v0", obs="state", **SETTINGS[name]).unwrapped
        moments = film(env, policy, options.seed, options.size)
        shown = [moments[0], moments[len(moments) // 2], moments[-1]]
        env.set_randomization("medium")
        for episode in range(3):
            env.reset(seed=options.seed, options={"episode": episode})
            shown.append(picture(env, options.size))
        env.close()
        cv2.imwrite(f"{name.lower()}.png", np.hstack(shown)[..., ::-1])
        print(f"{name.lower()}.png: {len(moments)} moments")


if __name__ == "__main__":
    main()
