"""The VAE: its loss terms, its training, and what its generator draws."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from pixel_fakes import CLASSES, SIZE, crops, settings
from torch.distributions import Normal, kl_divergence

from simgen.errors import CheckpointError, DataError, OutputError, TrainingError
from simgen.rare.pixels.descriptor import premultiply
from simgen.rare.pixels.generator import Conditions, CropGenerator, Wish
from simgen.rare.pixels.nets import premultiplied
from simgen.rare.pixels.settings import CollapseGuard, VaeLoss
from simgen.rare.pixels.steps import Trainer
from simgen.rare.pixels.train import train_crops
from simgen.rare.pixels.vae import Batch, Decoded, autoencode, divergence, reconstruction, vae_loss


def noise(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_the_divergence_is_torchs_and_free_bits_are_free():
    mean, log_var = torch.randn(6, 4, generator=noise()), torch.randn(6, 4, generator=noise(1))
    exact = kl_divergence(Normal(mean, (0.5 * log_var).exp()), Normal(0.0, 1.0)).mean(0)
    assert divergence(mean, log_var, 0.0) == pytest.approx(float(exact.sum()), rel=1e-5)
    most = float(exact.max()) + 1
    assert divergence(mean, log_var, most) == pytest.approx(4 * most)
    mean.requires_grad_()
    divergence(mean, log_var, most).backward()
    assert (mean.grad == 0).all()


def test_the_reconstruction_counts_colours_by_alpha():
    straight = torch.full((2, 4, 16, 16), 0.5)
    straight[:, 3] = 0.0
    straight[:, 3, :4] = 1.0
    batch = Batch(straight, torch.zeros(2, dtype=torch.long), torch.zeros(2, 3))
    logits = torch.zeros(2, 4, 16, 16)
    logits[:, 3] = 60 * (straight[:, 3] - 0.5)
    right = Decoded(logits, torch.zeros(2, 4), torch.zeros(2, 4))
    loss = VaeLoss(color=1.0, alpha=1.0)
    assert reconstruction(right, batch, loss) == pytest.approx(0.0, abs=1e-3)
    inside, outside = logits.clone(), logits.clone()
    inside[:, 0, 0, 0] = outside[:, 0, 9, 9] = 50.0  # red 1 in place of 0.5
    assert reconstruction(replace(right, logits=inside), batch, loss) == pytest.approx(0.25, rel=1e-3)
    assert reconstruction(replace(right, logits=outside), batch, loss) == pytest.approx(0.25 * 0.05, rel=1e-2)


def test_the_perceptual_term_is_the_injected_features():
    trainer = Trainer(settings(), crops(), None)
    batch = trainer.batch(np.arange(8), noise())
    decoded = autoencode(trainer.model, batch, noise())
    plain = vae_loss(decoded, batch, VaeLoss(), 1.0, None)
    seen = []

    def features(x: torch.Tensor) -> torch.Tensor:
        seen.append(x.shape)
        return x.mean((2, 3))

    with_features = vae_loss(decoded, batch, VaeLoss(perceptual=10.0), 1.0, features)
    expected = (premultiplied(decoded.logits).mean((2, 3)) - batch.premultiplied.mean((2, 3))).square().mean()
    assert float((with_features - plain).detach()) == pytest.approx(10 * float(expected.detach()), rel=1e-2)
    assert seen == [(8, 4, SIZE, SIZE)] * 2


def test_the_divergence_warms_up():
    trainer = Trainer(settings(), crops(), None)
    batch = trainer.batch(np.arange(8), noise())
    decoded = autoencode(trainer.model, batch, noise())
    cold, warm = (vae_loss(decoded, batch, VaeLoss(free_bits=0.5), warmth, None) for warmth in (0.0, 1.0))
    expected = divergence(decoded.mean, decoded.log_var, 0.5)
    assert float((warm - cold).detach()) == pytest.approx(float(expected.detach()), rel=1e-3)


def test_turned_and_mirrored_crops_are_the_same_pixels():
    trainer = Trainer(settings(mirror=True, quarter_turns=True), crops(), None)
    batch = trainer.batch(np.arange(24), noise())
    given = torch.from_numpy(crops().rgba).permute(0, 3, 1, 2).float() / 255
    assert not torch.equal(batch.straight, given)
    for ours, theirs in zip(batch.straight, given, strict=True):
        views = [flipped.rot90(turn, (1, 2)) for flipped in (theirs, theirs.flip(2)) for turn in range(4)]
        assert any(torch.equal(ours, view) for view in views)


def test_training_learns_and_leaves_a_run_that_can_be_read(tmp_path):
    told = []
    trained = train_crops(
        settings(epochs=6, least_steps=10), crops(), tmp_path / "run", on_epoch=lambda *row: told.append(row)
    )
    assert trained == replace(trained, epoch=6, stopped="")
    assert [epoch for epoch, _ in told] == [1, 2, 3, 4, 5, 6]
    assert told[-1][1]["vae"] < 0.7 * told[0][1]["vae"]
    sheets = sorted(path.name for path in (tmp_path / "run" / "sheets").iterdir())
    assert sheets == [f"epoch-{k:04d}.png" for k in range(1, 7)]
    table = (tmp_path / "run" / "epochs.csv").read_text().splitlines()
    assert table[0] == "epoch,vae,coverage,density,kid"
    assert len(table) == 7
    generator = CropGenerator.load(trained.model)
    made, latents = generator.sample(Wish("square", {"light": (0.4, 0.5)}), 5, np.random.default_rng(0))
    assert made.rgba.shape == (5, SIZE, SIZE, 4)
    assert made.rgba.dtype == np.uint8
    assert latents.shape == (5, 4)
    assert (made.labels == 1).all()
    assert made.side_m == pytest.approx(np.full(5, 0.03))
    assert ((made.attribute("light") >= 0.4) & (made.attribute("light") <= 0.5)).all()


def test_the_same_seed_gives_the_same_generator_and_another_does_not(tmp_path):
    models = [
        train_crops(settings(seed=seed), crops(), tmp_path / name).model
        for seed, name in ((1, "a"), (1, "b"), (2, "c"))
    ]
    drawn = [CropGenerator.load(path).sample(Wish("disc"), 3, np.random.default_rng(0))[0].rgba for path in models]
    assert (drawn[0] == drawn[1]).all()
    assert (drawn[0] != drawn[2]).any()


@pytest.mark.parametrize("kind", ["vae", "gan"])
def test_a_run_that_was_killed_goes_on_to_the_same_weights(tmp_path, kind):
    class Killed(BaseException):
        pass

    def kill(epoch: int, figures: dict[str, float]) -> None:
        if epoch == 2:
            raise Killed

    config = settings(kind=kind)
    whole = train_crops(config, crops(), tmp_path / "whole").model
    with pytest.raises(Killed):
        train_crops(config, crops(), tmp_path / "cut", on_epoch=kill)
    assert not (tmp_path / "cut" / "model.pt").exists()
    told = []
    resumed = train_crops(config, crops(), tmp_path / "cut", on_epoch=lambda epoch, _: told.append(epoch)).model
    assert told == [3]
    first, second = (torch.load(path, weights_only=True)["state_dict"] for path in (whole, resumed))
    assert all(torch.equal(first[key], second[key]) for key in first)
    assert (tmp_path / "cut" / "epochs.csv").read_text() == (tmp_path / "whole" / "epochs.csv").read_text()
    assert train_crops(config, crops(), tmp_path / "cut", on_epoch=lambda epoch, _: told.append(epoch)).model == resumed
    assert told == [3]


def test_a_loss_that_is_no_number_ends_the_run_with_the_last_good_epoch(tmp_path):
    calls = []

    def poisoned(x: torch.Tensor) -> torch.Tensor:
        calls.append(1)
        return x.mean((2, 3)) * (float("nan") if len(calls) > 2 * 2 * 3 else 1.0)  # two calls a step, three steps

    trained = train_crops(settings(), crops(), tmp_path / "run", perceptual=poisoned)
    assert trained.epoch == 2
    assert trained.stopped == "the loss became no number in epoch 3; kept the generator of epoch 2"
    weights = torch.load(trained.model, weights_only=True)["state_dict"].values()
    assert all(torch.isfinite(value).all() for value in weights)
    assert train_crops(settings(), crops(), tmp_path / "run") == trained


def test_a_loss_that_never_was_a_number_is_a_mistake(tmp_path):
    with pytest.raises(TrainingError, match="no number in epoch 1 before any generator was good"):
        train_crops(settings(), crops(), tmp_path / "run", perceptual=lambda x: x.mean((2, 3)) * float("nan"))
    assert not (tmp_path / "run" / "model.pt").exists()


def test_latents_out_of_bounds_end_the_run_with_the_last_good_epoch(tmp_path, monkeypatch):
    plain, calls = Trainer.fit_latents, []

    def broken(self, rows):
        calls.append(1)
        if len(calls) == 3:
            raise torch.linalg.LinAlgError("not positive definite")
        return plain(self, rows)

    monkeypatch.setattr(Trainer, "fit_latents", broken)
    trained = train_crops(settings(epochs=4), crops(), tmp_path / "run")
    assert trained.epoch == 2
    assert trained.stopped.startswith("the latents of epoch 3 have no covariance")


def test_a_run_that_learned_hardly_anything_says_so(tmp_path):
    rows = []

    def features(rgba):
        rows.append(1)
        return np.random.default_rng(0).normal(size=(len(rgba), 4)) + (1000 if len(rows) > 1 else 0)

    trained = train_crops(settings(epochs=2), crops(), tmp_path / "run", features=features)
    assert trained.stopped.startswith("hardly anything was learned: the samples' coverage never rose above 0.000")
    assert trained.epoch == 2


def test_a_collapse_ends_the_run_with_the_last_good_epoch(tmp_path):
    calls = []

    def features(rgba: np.ndarray) -> np.ndarray:
        calls.append(1)
        rows = premultiply(rgba).reshape(len(rgba), -1)
        if len(calls) == 1:  # the real crops
            return rows.astype(float)
        fine = np.asarray(premultiply(crops().rgba[:20]).reshape(20, -1), float)
        return fine[: len(rgba)] if len(calls) <= 3 else fine[:1].repeat(len(rgba), 0) + 1e3

    guard = CollapseGuard(coverage=0.5, patience=2, crops=20)
    trained = train_crops(settings(epochs=9, collapse=guard), crops(), tmp_path / "run", features=features)
    assert trained.epoch == 2
    assert trained.stopped.startswith("the samples collapsed: their coverage was 0.000 after epoch 4 and had been ")
    assert trained.stopped.endswith("; kept the generator of epoch 2")


def test_mistakes_are_sentences(tmp_path):
    with pytest.raises(DataError, match="expected at least 4 crops to learn from, got 3; simulate these instead"):
        train_crops(settings(), crops(3), tmp_path / "few")
    train_crops(settings(epochs=1), crops(), tmp_path / "run")
    with pytest.raises(
        OutputError,
        match=r"holds a run of another configuration \(epochs is 1 there and 2 here\); choose another folder",
    ):
        train_crops(settings(epochs=2), crops(), tmp_path / "run")
    with pytest.raises(OutputError, match=r"holds a run of another configuration \(its crops is another\)"):
        train_crops(settings(epochs=1), crops(seed=1), tmp_path / "run")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.tex").write_text("")
    with pytest.raises(OutputError, match="but it holds other files"):
        train_crops(settings(), crops(), tmp_path / "other")
    generator = CropGenerator.load(tmp_path / "run" / "model.pt")
    with pytest.raises(DataError, match=r'unknown class "sqare" \(did you mean "square"\?\)'):
        generator.sample(Wish("sqare"), 1, np.random.default_rng(0))
    with pytest.raises(DataError, match=r'unknown attribute "lihgt" \(did you mean "light"\?\)'):
        generator.sample(Wish("disc", {"lihgt": (0, 1)}), 1, np.random.default_rng(0))


def test_a_run_does_not_go_on_with_another_judge(tmp_path):
    train_crops(settings(epochs=1), crops(), tmp_path / "run", judge="one")
    with pytest.raises(
        OutputError, match=r"holds a run of another configuration \(backbone is 'one' there and 'two' here\)"
    ):
        train_crops(settings(epochs=1), crops(), tmp_path / "run", judge="two")


def test_a_damaged_checkpoint_says_what_is_left(tmp_path):
    train_crops(settings(epochs=1), crops(), tmp_path / "run")
    (tmp_path / "run" / "model.pt").unlink()
    (tmp_path / "run" / "last.ckpt").write_bytes(b"no")
    with pytest.raises(CheckpointError, match=r"last\.ckpt.*good\.pt is the generator of its last sound epoch"):
        train_crops(settings(epochs=1), crops(), tmp_path / "run")
    assert CropGenerator.load(tmp_path / "run" / "good.pt").kind == "vae"


def test_damaged_files_are_refused(tmp_path):
    model = train_crops(settings(epochs=1), crops(), tmp_path / "run").model
    short = tmp_path / "short.pt"
    short.write_bytes(model.read_bytes()[:500])
    with pytest.raises(CheckpointError, match="cannot be read as a torch file; it may be truncated"):
        CropGenerator.load(short)
    content = torch.load(model, weights_only=True)
    del content["state_dict"]["decoder.end.bias"]
    torch.save(content, short)
    with pytest.raises(CheckpointError, match="its parts do not fit"):
        CropGenerator.load(short)
    torch.save({"format": "else"}, short)
    with pytest.raises(CheckpointError, match="it is another kind of file"):
        CropGenerator.load(short)


def test_samples_come_from_the_law_of_the_encoded_crops_of_their_class():
    trainer = Trainer(settings(), crops(200), None)
    law = trainer.fit_latents(np.arange(200))
    generator = CropGenerator(trainer.average, law, trainer.conditions, settings().network, SIZE, "vae")
    batch = trainer.batch(np.arange(200), noise())
    with torch.no_grad():
        mean, log_var = trainer.average.encode(batch.premultiplied, batch.labels, batch.attributes)
    assert not torch.allclose(law.centres[0], law.centres[1], atol=1e-3)
    for k in range(2):
        mine = batch.labels == k
        drawn = generator.draw_latents(np.full(20_000, k), np.random.default_rng(k))
        assert drawn.mean(0) == pytest.approx(mean[mine].mean(0).numpy(), abs=0.05)
        spread = np.cov(mean[mine].numpy().T) + np.diag(log_var[mine].exp().mean(0).numpy())
        assert np.cov(drawn.T) == pytest.approx(spread, abs=0.06)


def test_attributes_follow_the_rows_inside_the_wish_or_else_the_wish():
    conditions = Conditions.of(crops())
    light = conditions.attributes[:, 2]
    low, high = np.sort(light[1::2])[[2, 5]]
    _, rows, drawn = conditions.draw(Wish("square", {"light": (low, high)}), 40, np.random.default_rng(0))
    assert (drawn == conditions.attributes[rows]).all()
    assert ((drawn[:, 2] >= low) & (drawn[:, 2] <= high)).all()
    _, rows, drawn = conditions.draw(Wish("square", {"light": (0.9, 0.95)}), 40, np.random.default_rng(0))
    assert ((drawn[:, 2] >= 0.9) & (drawn[:, 2] <= 0.95)).all()
    assert (drawn[:, :2] == conditions.attributes[rows, :2]).all()
    standard = conditions.standardised(conditions.attributes)
    assert standard.mean(0) == pytest.approx(np.zeros(3), abs=1e-5)
    assert standard[:, 1:].std(0) == pytest.approx(np.ones(2), abs=1e-3)
    assert CLASSES[conditions.draw(Wish("square"), 1, np.random.default_rng(0))[0]] == "square"
