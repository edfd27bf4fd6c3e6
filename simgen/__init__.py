"""simgen: labelled synthetic images from a physics simulator, and the road from them to a score on real photographs.

A sample is a pure function of (config, seed, index):

    import simgen

    sample = simgen.sample(simgen.load_config("dice"), seed=0, index=7)

`import simgen` itself is cheap: the simulator is imported when the first of these names is used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from simgen.config import load as load_config
    from simgen.generate import sample
    from simgen.samples import Annotation, Sample

__version__ = "0.1.0"

__all__ = ["Annotation", "Sample", "__version__", "load_config", "sample"]

# Where each public name lives. Read by name, so that no part of simgen can come to depend on a higher one through here.
_HOMES = {
    "Annotation": ("simgen.samples", "Annotation"),
    "Sample": ("simgen.samples", "Sample"),
    "load_config": ("simgen.config", "load"),
    "sample": ("simgen.generate", "sample"),
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'simgen' has no attribute '{name}'")
    module, attribute = _HOMES[name]
    value = getattr(import_module(module), attribute)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
