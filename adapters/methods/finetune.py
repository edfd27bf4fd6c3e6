"""Fine-tuning on a few labelled photographs: layer-wise learning rates and gradual unfreezing."""

from typing import Any

from torch import Tensor, nn

from simgen.adapters.methods.base import Setup, decayed
from simgen.adapters.methods.source_only import SourceOnly
from simgen.adapters.models.layers import depths, let_learn
from simgen.adapters.target import Batch, Target


class Finetune(SourceOnly):
    """A model of simulated pictures goes on with labelled photographs; `part: first:K` of them makes it K-shot.

    What is general stays, what is particular moves: the layer d below the heads learns at lr * rate * decay^d
    (discriminative fine-tuning, Howard and Ruder 2018, arXiv:1801.06146, sec. 3.2; as a geometric decay, Clark et al.
    2020, arXiv:2003.10555, app. B), and joins in only after d / D of the first `unfreeze` of the steps, D being the
    number of layers below the heads (gradual unfreezing, sec. 3.3). A layer that has not joined in yet keeps its batch
    statistics, too.

    With `mix`, simulated pictures fill a share of each batch (`train(simulated=...)`, `--simulated`): a few real labels
    beside many simulated ones, as e.g. Tremblay et al. 2018 (arXiv:1804.06516, sec. 3.3) and Richter et al. 2016
    (arXiv:1608.02192, sec. 5.2) train. Both sets have the same loss.

    Args:
        setup: what it is made for.
        rate: of the heads' learning rate, a share of `optimizer.lr`, which is meant for training from scratch.
        decay: each layer's learning rate over that of the one above it.
        unfreeze: share of the steps after which every layer learns; 0: all from the start.
        mix: share of simulated pictures in each batch, below 1.
    """

    starts_trained = True
    real_labels = True

    def __init__(
        self, setup: Setup, *, rate: float = 0.3, decay: float = 0.8, unfreeze: float = 0.3, mix: float = 0.0
    ) -> None:
        super().__init__(setup)
        if not (rate > 0 and 0 < decay <= 1 and 0 <= unfreeze < 1):
            raise ValueError(
                f"expected rate > 0, decay in (0, 1], unfreeze in [0, 1), got {rate:g}, {decay:g}, {unfreeze:g}"
            )
        if not 0 <= mix < 1:
            raise ValueError(f"expected mix in [0, 1), got {mix:g}")
        self.rate, self.decay, self.unfreeze, self.mixed_share = rate, decay, unfreeze, mix

    def losses(self, model: Any, source: Batch, target: Target, progress: float) -> dict[str, Tensor]:
        let_learn(model, deepest(progress, max(depths(model).values()), self.unfreeze))
        return super().losses(model, source, target, progress)

    def groups(self, model: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
        by_depth: dict[int, list[nn.Parameter]] = {}
        for name, depth in depths(model).items():
            by_depth.setdefault(depth, []).append(model.get_parameter(name))
        return [
            {**group, "lr_factor": self.rate * self.decay**depth}
            for depth, trained in sorted(by_depth.items())
            for group in decayed(trained, weight_decay)
        ]


def deepest(progress: float, layers: int, unfreeze: float) -> int:
    """Return the depth of the lowest layer that learns: 0, the heads alone, at first; `layers` from `unfreeze` on."""
    return layers if progress >= unfreeze else int(layers * progress / unfreeze)
