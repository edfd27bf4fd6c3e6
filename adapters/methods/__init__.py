"""Methods: how a model learns from simulated and real pictures. One file each; see base.py for the contract.

method = METHODS["dann"](Setup(task, n_features=96, n_classes=10), weight=0.5)
sum(method.losses(model, source, target, progress=0.1).values()).backward()
"""

from simgen.adapters.methods.adabn import AdaBn
from simgen.adapters.methods.adain import AdaIn
from simgen.adapters.methods.base import Method, Passed, Setup
from simgen.adapters.methods.cdan import Cdan
from simgen.adapters.methods.color_transfer import ColorTransfer
from simgen.adapters.methods.coral import Coral
from simgen.adapters.methods.dan import Dan
from simgen.adapters.methods.dann import Dann
from simgen.adapters.methods.degrade import Degrade
from simgen.adapters.methods.fda import Fda
from simgen.adapters.methods.finetune import Finetune
from simgen.adapters.methods.jan import Jan
from simgen.adapters.methods.linear_probe import LinearProbe
from simgen.adapters.methods.mcd import Mcd
from simgen.adapters.methods.mean_teacher import MeanTeacher
from simgen.adapters.methods.mixstyle import MixStyle
from simgen.adapters.methods.multitask import MultiTask
from simgen.adapters.methods.shot import Shot
from simgen.adapters.methods.source_only import Oracle, SourceOnly
from simgen.adapters.methods.tent import Tent
from simgen.adapters.target import Target

__all__ = ["METHODS", "Method", "Passed", "Setup", "Target"]

METHODS: dict[str, type[Method]] = {
    "source_only": SourceOnly,
    "oracle": Oracle,
    "linear_probe": LinearProbe,
    "finetune": Finetune,
    "multitask": MultiTask,
    # Adversarial.
    "dann": Dann,
    "cdan": Cdan,
    "mcd": Mcd,
    # Statistics.
    "dan": Dan,
    "jan": Jan,
    "coral": Coral,
    "adabn": AdaBn,
    # Translation: source pictures in the style of the target's.
    "fda": Fda,
    "color_transfer": ColorTransfer,
    "adain": AdaIn,
    # Self-training.
    "mean_teacher": MeanTeacher,
    "shot": Shot,
    "tent": Tent,
    # Robust training, without a target.
    "mixstyle": MixStyle,
    "degrade": Degrade,
}
