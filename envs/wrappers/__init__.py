"""Wrappers of environments: noise, stacks, privileged observations, canonical pictures, and a recorder of datasets.

Late observations and actions need none: they are the terms `observation.latency_steps` and `action.latency_steps` of
the randomization (and `gymnasium.wrappers.DelayObservation` makes any environment late).
"""

from simgen.envs.wrappers.canonical_pair import CanonicalPair
from simgen.envs.wrappers.frame_stack import FrameStack
from simgen.envs.wrappers.observation_noise import ObservationNoise
from simgen.envs.wrappers.privileged_obs import PrivilegedObs
from simgen.envs.wrappers.record_dataset import RecordDataset

__all__ = ["CanonicalPair", "FrameStack", "ObservationNoise", "PrivilegedObs", "RecordDataset"]
