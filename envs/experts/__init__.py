"""Scripted experts: policies that need no training, to imitate and to compare with."""

from simgen.envs.experts.bin_pick import BinPickExpert
from simgen.envs.experts.grasp import GraspExpert

__all__ = ["BinPickExpert", "GraspExpert"]
