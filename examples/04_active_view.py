"""A camera looks for a die that is hidden. Writes what it sees on its way side by side, active_view.png.

python examples/04_active_view.py [seed]
"""

import sys

import cv2
import gymnasium
import numpy as np

env = gymnasium.make("simgen.envs:simgen/ActiveView-v0", image_size=160, randomization="medium")
observation, info = env.reset(seed=int(sys.argv[1]) if len(sys.argv) > 1 else 0)
pictures, ended = [observation["rgb"]], False
while not ended:
    observation, reward, ended, late, info = env.step(env.unwrapped.greedy())
    pictures.append(observation["rgb"])
    print(f"{info['visible']:.2f} of the die is visible, {info['revealed']:.2f} of its surface was seen")
    ended = ended or late
cv2.imwrite("active_view.png", np.hstack(pictures)[..., ::-1])
env.close()
