"""Where in a bin does a grasp lift something out? Every place is tried, from one saved state of `simgen/BinPick-v0`.

python examples/04_grasp_map.py [--seed 8] [--pitch-m 0.02] [--turns 4] [--randomization none]

It draws grasp_map.png: the bin from above, and the share of the hand's turns that lift an object at each place. With
the defaults it tries 884 grasps, which takes about 3 minutes.
"""

import argparse
from typing import Any

import gymnasium
import matplotlib
import numpy as np
from numpy.typing import NDArray

from simgen.envs.bin_pick import BinPick
from simgen.envs.bins import CENTER_M, INNER_M
from simgen.envs.experts import BinPickExpert
from simgen.envs.top_grasps import TopGrasp

matplotlib.use("Agg")
from matplotlib import pyplot


def success(env: BinPick, grid_m: tuple[NDArray[np.float64], NDArray[np.float64]], turns: int) -> NDArray[np.bool_]:
    """Return (rows, columns, turns): whether a grasp lifts an object out, at each y, x and turn of the hand."""
    state = env.save_state()
    yaws = np.arange(turns) * np.pi / turns
    found = np.zeros((len(grid_m[1]), len(grid_m[0]), turns), bool)
    for index in np.ndindex(found.shape):
        env.restore_state(state)
        row, column, turn = index
        grasp = TopGrasp(grid_m[0][column], grid_m[1][row], 0.0, yaws[turn])
        found[index] = env.step(env.action_of(grasp))[1] == 1
    env.restore_state(state)
    return found


def draw(env: BinPick, share: NDArray[np.float64], expert: TopGrasp, path: str) -> None:
    """Draw the bin as the camera sees it beside the map."""
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(9, 5))
    left.imshow(env.frame("bin", (400, 400)).rgb)
    left.set_axis_off()
    (x, y), (width, depth) = CENTER_M, INNER_M
    edges = (x - width / 2, x + width / 2, y - depth / 2, y + depth / 2)
    shown = right.imshow(share, origin="lower", extent=edges, vmin=0, vmax=1, cmap="viridis")
    across = 0.03 * np.array([-np.sin(expert.yaw_rad), np.cos(expert.yaw_rad)])
    ends = np.array([expert.x_m, expert.y_m])[:, None] + np.outer(across, (-1, 1))
    right.plot(*ends, color="red", marker="o", label="the expert's grasp")
    right.set(xlabel="x, m", ylabel="y, m", title=f"any turn: {(share > 0).mean():.0%} of the places")
    right.legend(loc="upper right")
    figure.colorbar(shown, label="share of the turns that lift an object out")
    figure.tight_layout()
    figure.savefig(path, dpi=100)


def main() -> None:
    """Try, draw and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=8)
    parser.add_argument("--pitch-m", type=float, default=0.02)
    parser.add_argument("--turns", type=int, default=4)
    parser.add_argument("--randomization", default="none")
    options = parser.parse_args()
    made: Any = gymnasium.make("simgen.envs:simgen/BinPick-v0", obs="state", randomization=options.randomization)
    env: BinPick = made.unwrapped
    env.reset(seed=options.seed)
    x, y = (
        middle + np.arange(-extent / 2 + options.pitch_m / 2, extent / 2, options.pitch_m)
        for middle, extent in zip(CENTER_M, INNER_M, strict=True)
    )
    expert = env.grasp_of(BinPickExpert(env)())
    share = success(env, (x, y), options.turns).mean(-1)
    draw(env, share, expert, "grasp_map.png")
    print(f"{share.mean():.1%} of all grasps lift something; at {(share > 0).mean():.1%} of the places one does")


if __name__ == "__main__":
    main()
