"""Methods: how a model learns from simulated and real pictures. One file each; see base.py for the contract.

method = METHODS["dann"](Setup(task, n_features=96, n_classes=10), weight=0.5)
sum(method.losses(model, source, target, progress=0.1).values()).backward()
"""

from simgen.adapters.methods.adabn import AdaBn
from simgen.adapters.methods.base import Method, Passed, Setup
from simgen.adapters.methods.dann import Dann
from simgen.adapters.methods.finetune import Finetune
from simgen.adapters.methods.linear_probe import LinearProbe
from simgen.adapters.methods.multitask import MultiTask
from simgen.adapters.methods.source_only import Oracle, SourceOnly
from simgen.adapters.target import Target

__all__ = ["METHODS", "Method", "Passed", "Setup", "Target"]

METHODS: dict[str, type[Method]] = {
    "source_only": SourceOnly,
    "oracle": Oracle,
    "linear_probe": LinearProbe,
    "finetune": Finetune,
    "multitask": MultiTask,
    "dann": Dann,
    "adabn": AdaBn,
}
