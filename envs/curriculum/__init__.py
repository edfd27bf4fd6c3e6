"""Automatic domain randomization: ranges that grow as far as an agent succeeds.

Three lines put a curriculum around any agent of vector environments:

envs = gymnasium.make_vec("simgen/Push-v0", num_envs=4, wrappers=[NextDomain])
curriculum = Curriculum({"axes": {"object.mass_kg": {"start": [0.1, 0.1], "step": 0.05, "limits": [0.02, 1.0]}}})
envs = CurriculumVector(envs, curriculum)

The settings' meaning is that of Akkaya et al. (2019), algorithm 1.
"""

from simgen.envs.curriculum.next_domain import NextDomain
from simgen.envs.curriculum.plot import draw_ranges, plot
from simgen.envs.curriculum.ranges import Curriculum, Draw
from simgen.envs.curriculum.settings import Axis, Change, CurriculumSettings, CurriculumState
from simgen.envs.curriculum.vector import CurriculumVector

__all__ = [
    "Axis",
    "Change",
    "Curriculum",
    "CurriculumSettings",
    "CurriculumState",
    "CurriculumVector",
    "Draw",
    "NextDomain",
    "draw_ranges",
    "plot",
]
