"""Proposals: what enters holds the predicate, measured again, and says where it comes from."""

from dataclasses import replace
from itertools import islice

import numpy as np
import pytest
import torch

from simgen.config import load
from simgen.errors import ConfigError, DataError
from simgen.generate import render_scene
from simgen.generate import sample as sample_of
from simgen.rare.scenes.fresh import LOOKS, freshened
from simgen.rare.scenes.learn import scene_data
from simgen.rare.scenes.propose import ProposeConfig, Proposer, attempts
from simgen.rare.scenes.rest import at_rest, scene_of, settled
from simgen.rare.scenes.train import SceneTrainConfig, train_scenes
from simgen.rare.scenes.vae import VaeConfig
from simgen.rng import stream
from simgen.scene import scene_from_dict, scene_to_dict

CONFIG = load("dice", ["output.size_wh=[64,64]", "randomize.dice.count=[2,4]", "randomize.tray.probability=1"])


def far(sample):
    """Whether the first die lies on the side of +x."""
    return sample.metadata["poses"]["die_00"][3] > 0


@pytest.fixture(scope="module")
def drawn():
    return [sample_of(CONFIG, 5, index) for index in range(12)]


@pytest.fixture(scope="module")
def model(drawn, tmp_path_factory):
    data = scene_data([s.metadata for s in drawn], {"far": [far(s) for s in drawn], "never": [False] * 12})
    config = SceneTrainConfig(vae=VaeConfig(hidden=16, latent=4, item_latent=3), steps=4, batch=4)
    return train_scenes(data, config, tmp_path_factory.mktemp("net") / "run")


def test_dice_at_rest_stay_at_rest(drawn):
    still = settled(CONFIG, at_rest(drawn[0].metadata))
    assert still is not None
    dice = [name for name in still.metadata["poses"] if name.startswith("die_")]
    assert dice
    for name in dice:
        assert np.allclose(still.metadata["poses"][name], drawn[0].metadata["poses"][name], atol=5e-3)


def test_what_was_lost_is_left_out(drawn):
    lost = np.eye(4)
    lost[2, 3] = -3.0
    metadata = {**drawn[0].metadata, "poses": {**drawn[0].metadata["poses"], "die_00": lost.ravel().tolist()}}
    assert {b.name for b in scene_of(metadata).objects} - {b.name for b in at_rest(metadata).objects} == {"die_00"}


def test_metadata_without_scene_or_poses_is_refused(drawn):
    with pytest.raises(DataError, match='sample 3: expected "scene" in its metadata'):
        at_rest({}, "sample 3")
    with pytest.raises(DataError, match='expected "poses" in its metadata'):
        at_rest({"scene": drawn[0].metadata["scene"]})
    with pytest.raises(DataError, match='its "scene" cannot be read'):
        scene_of({"scene": {"nothing": 1}})


def test_what_enters_holds_the_predicate_and_says_where_it_comes_from(model):
    proposer = Proposer(model, "far", ProposeConfig(0.1))
    made = list(islice(attempts(proposer, far, CONFIG), 6))
    accepted = [attempt.sample for attempt in made if attempt.sample is not None]
    assert accepted
    assert all(far(sample) for sample in accepted)
    assert sum(sample.metadata["source"]["attempts"] for sample in accepted) <= 6
    source = accepted[0].metadata["source"]
    assert source["generator"] == "scene-vae"
    assert len(source["latent"]) == 4
    assert source["weight"] > 0
    assert source["start"] in proposer.rare.tolist()
    again = render_scene(CONFIG, scene_from_dict(accepted[0].metadata["scene"]))
    assert np.array_equal(again.rgb, accepted[0].rgb)
    assert [a.class_name for a in again.annotations] == [a.class_name for a in accepted[0].annotations]


def test_nothing_enters_that_does_not_hold(model):
    proposer = Proposer(model, "far", ProposeConfig(0.1))
    assert all(a.sample is None for a in islice(attempts(proposer, lambda _: False, CONFIG, needs_picture=False), 3))


def test_a_proposal_depends_on_its_number_alone(model):
    proposer = Proposer(model, "far", ProposeConfig(0.3, ("light", "materials")))
    first, second = proposer.propose(4), Proposer(model, "far", ProposeConfig(0.3, ("light", "materials"))).propose(4)
    assert first is not None
    assert second is not None
    assert scene_to_dict(first.scene) == scene_to_dict(second.scene)
    other = proposer.propose(5)
    assert other is not None
    assert scene_to_dict(other.scene) != scene_to_dict(first.scene)


def test_the_net_alone_proposes_valid_scenes(model):
    proposer = Proposer(model, "far", ProposeConfig(1.0))
    made = [proposer.propose(number) for number in range(4)]
    assert all(p is not None and p.weight > 0 for p in made)


def test_weights_are_bounded_below_by_the_share_of_examples(model):
    proposer = Proposer(model, "far", ProposeConfig(0.5))
    share = len(proposer.rare) / int(model.drawn.sum())
    z = proposer.aggregate.scenes.mean
    assert all(proposer.weight(row) >= share * 0.999 for row in z)
    rare = torch.zeros(len(z), dtype=torch.bool)
    rare[proposer.rare] = True
    weights = torch.tensor([proposer.weight(row) for row in z])
    assert float(weights[rare].mean()) < float(weights[~rare].mean())


def test_fresh_parts_come_from_other_scenes_and_the_rest_stays(drawn):
    scene, donors = scene_of(drawn[0].metadata), [scene_of(s.metadata) for s in drawn[1:]]
    made = freshened(scene, donors, LOOKS, stream(0, 0, "looks"))
    assert made.light in [donor.light for donor in donors]
    assert made.camera in [donor.camera for donor in donors]
    assert [b.position_m for b in made.objects] == [b.position_m for b in scene.objects]
    walls = [body.material for body in made.objects if body.name.startswith("wall_")]
    assert all(wall == walls[0] for wall in walls)
    materials = {str(body.material) for donor in donors for body in donor.objects}
    assert all(str(body.material) in materials for body in made.objects)


def test_wrong_names_and_too_few_examples_are_one_sentence(model):
    with pytest.raises(ConfigError, match=r'predicate: "fare" is not among .* \(did you mean "far"\?\)'):
        Proposer(model, "fare", ProposeConfig())
    with pytest.raises(ConfigError, match=r'fresh: unknown part "lights" \(did you mean "light"\?\)'):
        Proposer(model, "far", replace(ProposeConfig(), fresh=("lights",)))
    with pytest.raises(DataError, match='"never": expected at least 4 scenes in which it holds, got 0'):
        Proposer(model, "never", ProposeConfig())
