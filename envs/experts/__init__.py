"""Scripted experts: policies that need no training, to imitate and to compare with."""

from simgen.envs.experts.grasp import GraspExpert

__all__ = ["GraspExpert"]
