"""Domain randomization of environments: every number that may vary, how it varies, and what it does."""

from simgen.envs.domain.parameters import Parameter, Parameters, Values
from simgen.envs.domain.presets import load_randomization
from simgen.envs.domain.randomization import Randomization, Term
from simgen.envs.domain.sampler import Domain, DomainSampler

__all__ = [
    "Domain",
    "DomainSampler",
    "Parameter",
    "Parameters",
    "Randomization",
    "Term",
    "Values",
    "load_randomization",
]
