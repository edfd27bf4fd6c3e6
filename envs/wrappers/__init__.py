"""Wrappers of environments: latency, noise, stacks, privileged observations, canonical pictures, and recorders."""

from simgen.envs.wrappers.canonical_pair import CanonicalPair
from simgen.envs.wrappers.frame_stack import FrameStack
from simgen.envs.wrappers.latency import Latency
from simgen.envs.wrappers.observation_noise import ObservationNoise
from simgen.envs.wrappers.privileged_obs import PrivilegedObs
from simgen.envs.wrappers.record_dataset import RecordDataset
from simgen.envs.wrappers.record_minari import RecordMinari

__all__ = [
    "CanonicalPair",
    "FrameStack",
    "Latency",
    "ObservationNoise",
    "PrivilegedObs",
    "RecordDataset",
    "RecordMinari",
]
