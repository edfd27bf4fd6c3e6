"""Methods: how a model learns from simulated and real pictures. One file each; see base.py for the contract.

method = METHODS["dann"](Setup(task, n_features=96, n_classes=10), weight=0.5)
sum(method.losses(model, source, target, progress=0.1).values()).backward()
"""

from simgen.adapters.methods.adabn import AdaBn
from simgen.adapters.methods.base import Method, Passed, Setup
from simgen.adapters.methods.cdan import Cdan
from simgen.adapters.methods.coral import Coral
from simgen.adapters.methods.dan import Dan
from simgen.adapters.methods.dann import Dann
from simgen.adapters.methods.jan import Jan
from simgen.adapters.methods.mcd import Mcd
from simgen.adapters.methods.source_only import SourceOnly
from simgen.adapters.target import Target

__all__ = ["METHODS", "Method", "Passed", "Setup", "Target"]

METHODS: dict[str, type[Method]] = {
    "source_only": SourceOnly,
    "oracle": SourceOnly,
    "dann": Dann,
    "cdan": Cdan,
    "mcd": Mcd,
    "dan": Dan,
    "jan": Jan,
    "coral": Coral,
    "adabn": AdaBn,
}
