"""Gymnasium environments in the generator's randomized worlds.

Importing this package registers them; so does `gymnasium.make("simgen.envs:simgen/Reach-v0")`:

    import gymnasium
    import simgen.envs

    env = gymnasium.make("simgen/Reach-v0", obs="rgb", randomization="medium")

`ENVS` is the table of all: a new environment is one file with a subclass of `SimEnv`, and one line there.
"""

from dataclasses import dataclass

import gymnasium


@dataclass(frozen=True)
class Entry:
    """How an environment is registered.

    Attributes:
        entry_point: "module:class".
        max_episode_steps: after which an episode is truncated.
    """

    entry_point: str
    max_episode_steps: int


ENVS: dict[str, Entry] = {
    "simgen/Reach-v0": Entry("simgen.envs.reach:Reach", 50),
    "simgen/Push-v0": Entry("simgen.envs.push:Push", 100),
    "simgen/Grasp-v0": Entry("simgen.envs.grasp:Grasp", 100),
    # It ends by itself after its one step: with a limit of 1 it would be said to be truncated, too.
    "simgen/BinPick-v0": Entry("simgen.envs.bin_pick:BinPick", 2),
    "simgen/PoseEstimation-v0": Entry("simgen.envs.pose_estimation:PoseEstimation", 1000),
    "simgen/ActiveView-v0": Entry("simgen.envs.active_view:ActiveView", 20),
}


def register_all() -> None:
    """Make the environments known to gymnasium; those that are known already are left alone."""
    for name, entry in ENVS.items():
        if name not in gymnasium.registry:
            gymnasium.register(name, entry.entry_point, max_episode_steps=entry.max_episode_steps)


register_all()

__all__ = ["ENVS", "Entry", "register_all"]
