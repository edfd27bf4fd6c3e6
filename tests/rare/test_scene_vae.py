"""The net of scenes: its loss, its training and what that leaves, its moves."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from simgen.config import load
from simgen.errors import CheckpointError, ConfigError, DataError, OutputError, TrainingError
from simgen.generate import draw_scene
from simgen.rare.scenes import train
from simgen.rare.scenes.batch import Shape, batch_of
from simgen.rare.scenes.critic import Critic, critic_loss, drawn
from simgen.rare.scenes.latent import Aggregate, imagined, moved
from simgen.rare.scenes.learn import refit, scene_data, with_accepted
from simgen.rare.scenes.likelihood import log_softmax
from simgen.rare.scenes.model import load_model, save_model
from simgen.rare.scenes.train import SceneTrainConfig, train_scenes
from simgen.rare.scenes.vae import Gaussian, SceneVae, VaeConfig
from simgen.samples import Sample
from simgen.scene import scene_to_dict

NET = VaeConfig(hidden=16, latent=4, item_latent=3)
SHORT = SceneTrainConfig(vae=NET, steps=6, batch=4, checkpoint_every=2)


@pytest.fixture(scope="module")
def data():
    """Ten thrown scenes; in every other one something rare was seen."""
    config = load("dice", ["output.size_wh=[64,64]", "randomize.dice.count=[2,4]"])
    metadata = [{"scene": scene_to_dict(draw_scene(config, 3, index))} for index in range(10)]
    held = {"rare": [k % 2 == 0 for k in range(10)]}
    return scene_data(metadata, held, {"level": list(range(10))}, rest=False)


@pytest.fixture(scope="module")
def model(data, tmp_path_factory):
    return train_scenes(data, SHORT, tmp_path_factory.mktemp("net") / "run")


def weights(model):
    return torch.cat([p.detach().ravel() for p in model.vae.parameters()])


def test_conditions_are_predicates_and_standardised_attributes(data):
    assert data.conditions == ("rare", "level")
    assert data.scenes.condition[:, 0].tolist() == [1.0, 0.0] * 5
    assert float(data.scenes.condition[:, 1].mean()) == pytest.approx(0, abs=1e-6)
    assert float(data.scenes.condition[:, 1].std(unbiased=False)) == pytest.approx(1)


def test_an_answer_for_each_sample_is_required():
    with pytest.raises(DataError, match='"rare": expected 0 values, one a sample, got 1'):
        scene_data([], {"rare": [True]})


def test_divergence_is_that_of_normal_distributions():
    one = Gaussian(torch.tensor([1.0]), torch.tensor([math.log(2)]))
    other = Gaussian(torch.tensor([0.0]), torch.tensor([0.0]))
    expected = torch.distributions.kl_divergence(
        torch.distributions.Normal(1.0, 2.0), torch.distributions.Normal(0.0, 1.0)
    )
    assert float(one.divergence(other)) == pytest.approx(float(expected))


def test_softmax_goes_over_each_category_alone():
    logits = torch.tensor([[5.0, 1.0, 2.0, 0.0, 3.0]])
    shares = log_softmax(logits, torch.tensor([-1, 3, 3, 7, 7])).exp()[0, 1:]
    expected = torch.cat([torch.softmax(logits[0, 1:3], 0), torch.softmax(logits[0, 3:], 0)])
    assert torch.allclose(shares, expected)


def test_the_loss_does_not_depend_on_the_order_of_items(data):
    torch.manual_seed(0)
    vae = SceneVae(Shape.of(data.codec, 2), NET)
    batch = data.scenes.rows(torch.tensor([0]))
    count = int(batch.present.sum())
    order = torch.randperm(count)
    turned = replace(
        batch, types=batch.types[:, order], items=batch.items[:, order], items_known=batch.items_known[:, order]
    )
    first, second = vae.encode(batch)[0], vae.encode(turned)[0]
    assert torch.allclose(first.mean, second.mean, atol=1e-5)


def test_absent_items_change_nothing(data):
    torch.manual_seed(0)
    vae = SceneVae(Shape.of(data.codec, 2), NET)
    lone = vae.encode(data.scenes.rows(torch.tensor([0])))[0]
    every = vae.encode(data.scenes)[0]
    assert torch.allclose(lone.mean[0], every.mean[0], atol=1e-5)


def test_training_learns(data, model, tmp_path):
    learned = train_scenes(data, replace(SHORT, steps=50, batch=8, lr=0.01), tmp_path / "run")

    def wrong(net):
        with torch.no_grad():
            return float(net.vae.loss(data.scenes, 1.0, torch.Generator().manual_seed(0))["wrong"])

    assert wrong(learned) < 0.8 * wrong(model)


def test_a_training_that_was_killed_ends_in_the_same_weights(data, model, tmp_path):
    def stop(step, steps, losses):
        if step == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_scenes(data, SHORT, tmp_path / "run", stop)
    assert not (tmp_path / "run" / "model.pt").exists()
    steps = []
    again = train_scenes(data, SHORT, tmp_path / "run", lambda step, *_: steps.append(step))
    assert steps == [5, 6]
    assert torch.equal(weights(again), weights(model))


def test_a_finished_run_is_read_and_another_is_refused(data, model, tmp_path):
    train_scenes(data, SHORT, tmp_path / "run")
    calls = []
    again = train_scenes(data, SHORT, tmp_path / "run", lambda *_: calls.append(1))
    assert not calls
    assert torch.equal(weights(again), weights(model))
    with pytest.raises(OutputError, match="holds a run of another configuration"):
        train_scenes(data, replace(SHORT, seed=1), tmp_path / "run")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("x")
    with pytest.raises(OutputError, match="other files"):
        train_scenes(data, SHORT, tmp_path / "mine")


def test_a_loss_that_is_no_number_stops_and_the_last_good_state_stays(data, tmp_path, monkeypatch):
    plain = SceneVae.loss

    def broken(self, batch, beta, generator):
        losses = plain(self, batch, beta, generator)
        return losses if beta < 0.5 else {**losses, "loss": losses["loss"] * math.nan}

    monkeypatch.setattr(SceneVae, "loss", broken)
    model = train_scenes(data, replace(SHORT, vae=replace(NET, warmup=0.5)), tmp_path / "run")
    assert model.note == "stopped in step 4 because the loss became no number; kept the state after step 2"
    assert bool(torch.isfinite(weights(model)).all())


def test_silent_latents_stop_the_training(data, tmp_path, monkeypatch):
    monkeypatch.setattr(train, "_SILENT_NATS", 1e9)
    model = train_scenes(data, SHORT, tmp_path / "run")
    assert "posterior collapse" in model.note


def test_too_few_scenes_are_refused(data, tmp_path):
    few = replace(data, scenes=data.scenes.rows(torch.arange(3)), drawn=data.drawn[:3])
    with pytest.raises(ConfigError, match="at least 8 scenes"):
        train_scenes(few, SHORT, tmp_path / "run")


def test_a_model_file_comes_back_and_another_is_refused(model, tmp_path):
    save_model(tmp_path / "model.pt", model)
    again = load_model(tmp_path / "model.pt")
    assert torch.equal(weights(again), weights(model))
    assert again.conditions == model.conditions
    assert again.rare("rare").tolist() == [0, 2, 4, 6, 8]
    (tmp_path / "bad.pt").write_bytes(b"nothing")
    with pytest.raises(CheckpointError, match=r"cannot be read as a torch file|holds more than plain data"):
        load_model(tmp_path / "bad.pt")
    torch.save({"format": "x"}, tmp_path / "other.pt")
    with pytest.raises(CheckpointError, match="another kind of file"):
        load_model(tmp_path / "other.pt")


def test_a_critic_learns_to_tell_and_its_generator_gets_gradients(data):
    torch.manual_seed(0)
    vae, critic = SceneVae(Shape.of(data.codec, 2), NET), Critic(Shape.of(data.codec, 2), 16)
    fake = drawn(vae, data.scenes, torch.Generator().manual_seed(0))
    (-critic(fake).mean()).backward()
    assert any(p.grad is not None and float(p.grad.abs().sum()) > 0 for p in vae.items_out.parameters())
    still = replace(fake, scene=fake.scene.detach(), items=fake.items.detach())
    optimizer = torch.optim.Adam(critic.parameters(), 0.01)
    before = critic_loss(critic, data.scenes, still).item()
    for _ in range(30):
        optimizer.zero_grad()
        critic_loss(critic, data.scenes, still).backward()
        optimizer.step()
    assert critic_loss(critic, data.scenes, still).item() < 0.7 * before


def test_training_with_a_critic_changes_the_weights(data, model, tmp_path):
    judged = train_scenes(data, replace(SHORT, critic=1.0), tmp_path / "run")
    assert not torch.equal(weights(judged), weights(model))
    assert bool(torch.isfinite(weights(judged)).all())


def test_a_timid_move_stays_and_a_bold_one_goes(model):
    aggregate, condition = Aggregate.of(model), model.scenes.condition[0]

    def shift(boldness):
        generator = torch.Generator().manual_seed(0)
        _, batch = moved(model, aggregate, 0, condition, boldness, generator)
        real = (model.vae.columns.item_segments[batch.types.clamp(min=0)] < 0) & batch.items_known
        there = model.scenes.rows(torch.tensor([0])).items
        return float((batch.items - there)[real].abs().mean())

    assert shift(1e-6) < 1e-3
    assert shift(1e-6) < shift(0.1) < shift(0.9)


def test_the_net_alone_draws_items_of_the_codec(model):
    _, batch = imagined(model, Aggregate.of(model), 0, model.scenes.condition[0], torch.Generator().manual_seed(0))
    scene = model.codec.decode(batch.encoded(0), np.random.default_rng(0))
    assert 0 < len(scene.objects) <= sum(model.codec.most.values()) + 4


def test_the_density_of_moves_is_one(model):
    """Its integral over the latent, by importance sampling from a wide normal."""
    aggregate = Aggregate.of(model)
    generator = torch.Generator().manual_seed(0)
    wide = torch.distributions.Normal(aggregate.mean, 2 * aggregate.std)
    z = aggregate.mean + 2 * aggregate.std * torch.randn(20000, 4, generator=generator)
    density = aggregate.log_density(z, torch.arange(5), 0.9)
    assert float((density - wide.log_prob(z).sum(1)).exp().mean()) == pytest.approx(1, abs=0.05)


def test_accepted_scenes_join_and_training_goes_on(data, model, tmp_path):
    scene = model.codec.decode(model.scenes.encoded(1), np.random.default_rng(0))
    eye = np.eye(4).ravel().tolist()
    metadata = {"scene": scene_to_dict(scene), "poses": {b.name: eye for b in scene.objects}, "source": {"start": 0}}
    accepted = [Sample(0, np.zeros((1, 1, 3), np.uint8), (), metadata=metadata)]
    joined = with_accepted(model, accepted, "rare")
    assert joined.drawn.tolist() == [True] * 10 + [False]
    assert float(joined.scenes.condition[10, 0]) == 1.0
    again = refit(model, accepted, "rare", replace(SHORT, steps=2), tmp_path / "round")
    assert again.rare("rare").tolist() == [0, 2, 4, 6, 8, 10]
    assert not torch.equal(weights(again), weights(model))


def test_scenes_of_different_lengths_stand_in_one_batch(data):
    encoded = [data.scenes.encoded(row) for row in range(3)]
    batch = batch_of(encoded, data.scenes.condition[:3])
    assert [len(scene.types) for scene in encoded] == batch.present.sum(1).tolist()


def test_a_loss_that_never_was_a_number_is_a_mistake(data, tmp_path, monkeypatch):
    plain = SceneVae.loss
    monkeypatch.setattr(SceneVae, "loss", lambda *given: {**plain(*given), "loss": plain(*given)["loss"] * math.nan})
    with pytest.raises(TrainingError, match="in step 1 the loss became no number, and nothing was kept; lower lr"):
        train_scenes(data, SHORT, tmp_path / "run")
    assert not (tmp_path / "run" / "model.pt").exists()
