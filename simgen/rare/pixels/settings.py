"""What can be set of the training of a crop generator."""

from typing import Annotated, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from simgen.rare.pixels.crops import CropView
from simgen.scene import STRICT

Count = Annotated[int, Field(ge=1)]
Rate = Annotated[float, Field(gt=0, le=1)]
Weight = Annotated[float, Field(ge=0)]
_MANY = 1000


@dataclass(frozen=True, config=STRICT)
class Network:
    """The nets' sizes.

    Attributes:
        latent: dimensions of the latent.
        width: channels of the first level; the others have 2, 3 and 4 times as many.
    """

    latent: Annotated[int, Field(ge=2, le=512)] = 64
    width: Annotated[int, Field(ge=8, le=256, multiple_of=8)] = 16


@dataclass(frozen=True, config=STRICT)
class VaeLoss:
    """The weights of the autoencoder's loss, in nats.

    Attributes:
        color: of the squared error of the colours (0 to 1), weighted by alpha and summed over pixels and channels.
        alpha: of the cross entropy of alpha, summed over pixels.
        kl: of the divergence from the prior, once it is warmed up.
        warmup_epochs: over which that weight grows from 0.
        free_bits: the divergence, in nats a latent dimension, that costs nothing.
        perceptual: of the mean squared distance of features, where a feature function is given.
    """

    color: Weight = 25.0
    alpha: Weight = 0.25
    kl: Weight = 1.0
    warmup_epochs: Annotated[int, Field(ge=0)] = 2
    free_bits: Weight = 0.1
    perceptual: Weight = 100.0


@dataclass(frozen=True, config=STRICT)
class GanLoss:
    """The adversarial part.

    Attributes:
        start_epoch: how many epochs the autoencoder learns alone before.
        rate: the discriminator's learning rate.
        adversarial: weight of the generator's hinge loss in the decoder's loss, per crop.
        reconstruction: factor on the colours' and alpha's terms once the discriminator plays.
        features: weight of the error in the discriminator's features (Larsen et al. 2016).
        r1: gamma of the gradient penalty on real crops.
        r1_every: steps between two penalties, each of which counts for all of them (Karras et al. 2020).
        augment: how both kinds of crops are changed before the discriminator sees them (DiffAugment): "shift", "hole"
            and "color". None: shift and hole of fewer than 1,000 crops; of more the discriminator does not tire, and
            changes only hide from it what is wrong.
    """

    start_epoch: Annotated[int, Field(ge=0)] = 3
    rate: Rate = 1.5e-3
    adversarial: Weight = 100.0
    reconstruction: Weight = 0.1
    features: Weight = 2000.0
    r1: Weight = 0.1
    r1_every: Count = 16
    augment: tuple[Literal["color", "shift", "hole"], ...] | None = None

    def augment_of(self, crops: int) -> tuple[Literal["color", "shift", "hole"], ...]:
        """Return what is changed of so many crops."""
        if self.augment is not None:
            return self.augment
        return ("shift", "hole") if crops < _MANY else ()


@dataclass(frozen=True, config=STRICT)
class CollapseGuard:
    """When a run counts as collapsed.

    Attributes:
        coverage: below this share of its best so far, a check is a bad one.
        patience: so many bad checks in a row end the run.
        crops: how many are compared, at most.
    """

    coverage: Annotated[float, Field(ge=0, le=1)] = 0.25
    patience: Count = 3
    crops: Annotated[int, Field(ge=10)] = 500


@dataclass(frozen=True, config=STRICT)
class PixelTraining:
    """A training run.

    Attributes:
        kind: "vae", or "gan" for the autoencoder with a discriminator.
        epochs: passes over the crops.
        least_steps: of an epoch; a small set is passed over several times.
        batch_size: crops a step.
        rate: the learning rate of encoder and decoder.
        average: decay of the moving average of the weights that is kept as the result.
        balance: 0 shows classes as often as they occur, 1 shows all alike.
        mirror: whether crops are mirrored at random: only where that leaves the class as it is.
        quarter_turns: whether they are turned by multiples of 90 degrees: the same.
        seed: of everything.
        threads: of PyTorch; 0 leaves them as they are.
        bf16: whether the nets compute in bfloat16: faster on processors that have instructions for it.
        view: how crops are cut out of pictures.
    """

    kind: Literal["vae", "gan"] = "gan"
    epochs: Count = 40
    least_steps: Count = 20
    batch_size: Annotated[int, Field(ge=2, le=4096)] = 32
    rate: Rate = 5e-4
    average: Annotated[float, Field(ge=0, lt=1)] = 0.995
    balance: Annotated[float, Field(ge=0, le=1)] = 0.5
    mirror: bool = False
    quarter_turns: bool = False
    seed: Annotated[int, Field(ge=0)] = 0
    threads: Annotated[int, Field(ge=0)] = 0
    bf16: bool = False
    view: CropView = CropView()
    network: Network = Network()
    vae: VaeLoss = VaeLoss()
    gan: GanLoss = GanLoss()
    collapse: CollapseGuard = CollapseGuard()
