"""Rare cases in scene space: a net learns scenes and proposes more like the rare ones; simulator and renderer judge.

In the order of use: `fields`, `layout`, `tray` and `encode` make numbers of scenes; `batch`, `likelihood`, `vae` and
`critic` are the net; `train`, `model` and `learn` teach and keep it; `latent`, `fresh`, `rest` and `propose` use it.
"""

from simgen.rare.scenes.encode import SceneCodec
from simgen.rare.scenes.learn import refit, scene_data
from simgen.rare.scenes.model import SceneModel, load_model, save_model
from simgen.rare.scenes.propose import Attempt, ProposeConfig, Proposer, attempts
from simgen.rare.scenes.train import SceneTrainConfig, train_scenes
from simgen.rare.scenes.vae import VaeConfig

__all__ = [
    "Attempt",
    "ProposeConfig",
    "Proposer",
    "SceneCodec",
    "SceneModel",
    "SceneTrainConfig",
    "VaeConfig",
    "attempts",
    "load_model",
    "refit",
    "save_model",
    "scene_data",
    "train_scenes",
]
