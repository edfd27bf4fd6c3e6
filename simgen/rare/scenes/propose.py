"""Proposes scenes that a rare event may be seen in, lets them settle, and measures the event again.

What enters is what the simulator and the renderer say, with their labels; the net only says where to look.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Annotated

import torch
from pydantic import Field
from pydantic.dataclasses import dataclass as config_dataclass
from torch import Tensor

from simgen.config import Config
from simgen.errors import ConfigError, DataError, RenderError, SimgenError, did_you_mean
from simgen.generate import render_scene
from simgen.rare.scenes.contacts import Pair, contacts, together
from simgen.rare.scenes.fresh import freshened, require_parts
from simgen.rare.scenes.latent import Aggregate, imagined, moved
from simgen.rare.scenes.model import SceneModel
from simgen.rare.scenes.rest import settled
from simgen.rng import stream
from simgen.samples import Sample
from simgen.scene import STRICT, SceneSpec

GENERATOR = "scene-vae"
LEAST_RARE = 4
Holds = Callable[[Sample], bool]


def too_few_scenes(count: int) -> str:
    """Return that a case is in too few scenes to propose more like them, "" where it is in enough."""
    return f"it is in {count} scenes, and a net needs {LEAST_RARE}" if count < LEAST_RARE else ""


@config_dataclass(frozen=True, config=STRICT)
class ProposeConfig:
    """How scenes are proposed.

    Attributes:
        boldness: how far a proposal moves from a rare example, 0 to 1: 0 draws the example again, 1 asks the net alone.
        fresh: parts of `simgen.rare.scenes.fresh.LOOKS` that are taken from other scenes of the dataset: what the
            predicate does not depend on.
        together: whether bodies that touch in the example move as one (`simgen.rare.scenes.contacts`).
        seed: of everything that is drawn.
    """

    boldness: Annotated[float, Field(gt=0, le=1)] = 0.3
    fresh: tuple[str, ...] = ()
    together: bool = True
    seed: Annotated[int, Field(ge=0)] = 0


@dataclass(frozen=True, eq=False)
class Proposal:
    """A proposed scene.

    Attributes:
        scene: to be settled and drawn.
        latent: (latent,) of the scene.
        start: number of the rare example that it was moved from.
        weight: see `Proposer.weight`.
    """

    scene: SceneSpec
    latent: Tensor
    start: int
    weight: float


class Proposer:
    """Proposes scenes for one predicate; proposal k is a pure function of the model, the settings and k.

    Args:
        model: a trained net.
        predicate: one of its conditions.
        config: settings.
        root: the folder that the scenes' file names start from.

    Raises:
        ConfigError: an unknown predicate, an unknown part in `fresh`.
        DataError: fewer than 4 scenes of the model hold the predicate.
    """

    def __init__(self, model: SceneModel, predicate: str, config: ProposeConfig, root: Path = Path()) -> None:
        require_parts(config.fresh)
        if predicate not in model.conditions:
            hint = did_you_mean(predicate, model.conditions)
            raise ConfigError(f'predicate: "{predicate}" is not among those that the net was trained on{hint}')
        self.model, self.predicate, self.config, self.root = model, predicate, config, root
        self.rare = model.rare(predicate)
        if too_few_scenes(len(self.rare)):
            raise DataError(
                f'"{predicate}": expected at least {LEAST_RARE} scenes in which it holds, got {len(self.rare)}; '
                "use --how simulate"
            )
        self.aggregate = Aggregate.of(model)
        self._examples: dict[int, tuple[SceneSpec, list[Pair]]] = {}

    @cached_property
    def donors(self) -> list[SceneSpec]:
        """The dataset's own scenes, decoded; up to 200 of them."""
        rows = torch.nonzero(self.model.drawn)[:200, 0].tolist()
        rng = stream(self.config.seed, 0, "scene donors")
        return [self.model.codec.decode(self.model.scenes.encoded(row), rng) for row in rows]

    def propose(self, number: int) -> Proposal | None:
        """Return proposal `number` >= 0; None if its numbers make no valid scene."""
        rng = stream(self.config.seed, number, "scene proposal")
        generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
        start = int(self.rare[int(rng.integers(len(self.rare)))])
        condition = self.model.scenes.condition[start].clone()
        bold = self.config.boldness
        if bold < 1:
            latent, batch = moved(self.model, self.aggregate, start, condition, bold, generator)
        else:
            latent, batch = imagined(self.model, self.aggregate, start, condition, generator)
        try:
            scene = self.model.codec.decode(batch.encoded(0), rng)
        except ValueError:
            return None
        if self.config.together and bold < 1:
            scene = together(self._example(start)[0], scene, self._example(start)[1], math.sqrt(1 - bold**2), rng)
        if self.config.fresh:
            scene = freshened(scene, self.donors, self.config.fresh, rng)
        return Proposal(scene, latent, start, self.weight(latent))

    def _example(self, number: int) -> tuple[SceneSpec, list[Pair]]:
        """Return a scene of the model, decoded, and which of its bodies touch."""
        if number not in self._examples:
            rng = stream(self.config.seed, number, "scene example")
            scene = self.model.codec.decode(self.model.scenes.encoded(number), rng)
            self._examples[number] = scene, contacts(scene, self.root)
        return self._examples[number]

    def weight(self, latent: Tensor) -> float:
        """Return the importance weight of a proposal at a latent (latent,): target over proposal density, >= 0.

        It is p(z) / q(z), where q is the density of a proposal's scene latent when it starts from a rare example drawn
        evenly, and p its density when it starts from any scene that the generator drew. Moves keep the net's own
        distribution (as far as the aggregate posterior is normal), so p stands for the generator's, and q / p times
        the share of rare scenes is the chance that a move from z ends in a rare scene. Weighted by it, accepted scenes
        are spread as the generator's rare scenes are; unweighted they lean to where these are dense. It knows the
        scene's latent alone: items, decoding noise, `fresh` parts and physics are left out of both densities. Only
        ratios of weights mean something.
        """
        bold = min(self.config.boldness, 1.0)
        drawn = torch.nonzero(self.model.drawn)[:, 0]
        return _ratio(
            self.aggregate.log_density(latent[None], drawn, bold if bold < 1 else 0.0),
            self.aggregate.log_density(latent[None], self.rare, bold if bold < 1 else 0.0),
        )


def _ratio(target: Tensor, proposal: Tensor) -> float:
    return float(math.exp(min(float(target[0] - proposal[0]), 30.0)))


@dataclass(frozen=True, eq=False)
class Attempt:
    """What became of a proposal.

    Attributes:
        number: of the proposal.
        proposal: None if its numbers made no valid scene.
        sample: the labelled picture if the event was measured in it, else None. Its metadata has "source".
    """

    number: int
    proposal: Proposal | None
    sample: Sample | None


def attempts(
    proposer: Proposer, holds: Holds, config: Config, *, first: int = 0, needs_picture: bool = True, draw: bool = True
) -> Iterator[Attempt]:
    """Yield the attempts from number `first` on, without end: take what you need.

    Args:
        proposer: draws scenes.
        holds: the predicate, measured on a rendered sample.
        config: of the dataset: how scenes are simulated, drawn and labelled.
        first: number of the first attempt; one after the last to go on.
        needs_picture: False lets a scene settle first and draws only what holds then; it is measured again on the
            picture.
        draw: False leaves the drawing out where `needs_picture` is False: samples have poses and no picture.
    """
    since, number = 0, first
    while True:
        proposal = proposer.propose(number)
        since += 1
        sample = None if proposal is None else _measured(proposal.scene, holds, config, needs_picture, draw)
        if sample is not None and proposal is not None:
            source = {
                "generator": GENERATOR,
                "predicate": proposer.predicate,
                "latent": [round(v, 5) for v in proposal.latent.tolist()],
                "start": proposal.start,
                "proposal": number,
                "weight": float(f"{proposal.weight:.6g}"),
                "attempts": since,
            }
            sample, since = replace(sample, metadata={**sample.metadata, "source": source}), 0
        yield Attempt(number, proposal, sample)
        number += 1


def _measured(scene: SceneSpec, holds: Holds, config: Config, needs_picture: bool, draw: bool) -> Sample | None:
    """Return the sample of a scene if it comes to rest, can be drawn, and the predicate holds in it."""
    try:
        if not needs_picture:
            still = settled(config, scene)
            if still is None or not holds(still):
                return None
            if not draw:
                return still
        sample = render_scene(config, scene)
    except RenderError:
        return None
    except SimgenError as error:
        # A decoded section whose numbers each fit but not together: nothing that a user could correct.
        if isinstance(error, ConfigError):
            return None
        raise
    return sample if holds(sample) else None
