import numpy as np
import pytest
from scipy.stats import binomtest, kstest

from simgen.adapters.metrics import resamples
from simgen.adapters.metrics.paired import Difference, Gap, Sampled, difference, gap_closed, mcnemar
from simgen.rng import stream


def sampled(values: np.ndarray, picks: np.ndarray) -> Sampled:
    """The mean of (n,) values, in the whole set and in resampled ones."""
    return Sampled(float(values.mean()), values[picks].mean(1))


def test_a_clear_difference_has_a_small_p_value_and_an_interval_without_zero():
    rng = np.random.default_rng(0)
    hard = rng.normal(0, 1, 60)  # what makes an image hard is shared, and cancels out
    picks = resamples(60, 999, stream(0, 0, "b"))
    found = difference(sampled(hard + 0.3 + rng.normal(0, 0.2, 60), picks), sampled(hard, picks))
    assert found.value == pytest.approx(0.3, abs=0.1)
    assert found.p_value == pytest.approx(2 / 1000)
    assert found.low is not None
    assert found.high is not None
    assert 0.2 < found.low < found.value < found.high < 0.4


def test_p_values_of_no_difference_are_uniform():
    picks = resamples(80, 500, stream(1, 0, "b"))
    p_values, inside = [], []
    for seed in range(300):
        first, second = np.random.default_rng(seed).normal(size=(2, 80))
        found = difference(sampled(first, picks), sampled(second, picks))
        p_values.append(found.p_value)
        inside.append(found.low <= 0 <= found.high)
    assert kstest(p_values, "uniform").pvalue > 0.01
    assert np.mean(inside) == pytest.approx(0.95, abs=0.035)
    assert np.mean(np.array(p_values) < 0.05) == pytest.approx(0.05, abs=0.035)


def test_equal_models_do_not_differ_and_the_sign_is_ours_less_theirs():
    draws = np.random.default_rng(0).normal(size=99)
    same = Sampled(0.5, draws)
    assert difference(same, same) == Difference(0.0, 0.0, 0.0, 1.0)
    one_way, other_way = difference(Sampled(0.7, draws + 1), same), difference(same, Sampled(0.7, draws + 1))
    assert one_way.value == pytest.approx(0.2)
    assert other_way.value == pytest.approx(-0.2)
    assert one_way.p_value == other_way.p_value == pytest.approx(0.02)


def test_what_is_undefined_has_no_difference_and_undefined_draws_are_left_out():
    draws = np.array([0.1, np.nan, 0.3])
    assert difference(Sampled(np.nan, draws), Sampled(0.5, draws)) == Difference(None)
    assert difference(Sampled(1.0, draws + 1), Sampled(0.0, draws)).low == pytest.approx(1)
    assert difference(Sampled(1.0, np.zeros(0)), Sampled(0.0, np.zeros(0))) == Difference(1.0)


@pytest.mark.parametrize("seed", range(6))
def test_mcnemar_against_scipy(seed):
    rng = np.random.default_rng(seed)
    ours, theirs = rng.uniform(size=(2, 300)) < [[0.85], [0.8]]
    found = mcnemar(ours, theirs)
    only_ours, only_theirs = int((ours & ~theirs).sum()), int((~ours & theirs).sum())
    assert (found.ours, found.theirs) == (only_ours, only_theirs)
    assert found.p_value == pytest.approx(binomtest(only_ours, only_ours + only_theirs, 0.5).pvalue)


def test_mcnemar_at_its_ends():
    right, wrong = np.ones(20_000, bool), np.zeros(20_000, bool)
    assert mcnemar(right, right).p_value == 1
    assert mcnemar(right[:10], wrong[:10]).p_value == pytest.approx(2 / 2**10)
    assert mcnemar(right, wrong).p_value == 0  # 2 / 2^20000


def test_the_gap_closed_on_constructed_numbers():
    noise = np.random.default_rng(0).normal(0, 0.01, 500)
    source, oracle = Sampled(0.4, 0.4 + noise), Sampled(0.8, 0.8 + noise)
    found = gap_closed(Sampled(0.7, 0.7 + noise), source, oracle)
    # Whatever makes all three rise and fall together cancels out.
    assert (found.value, found.low, found.high) == (pytest.approx(0.75),) * 3
    assert gap_closed(oracle, source, oracle).value == 1
    assert gap_closed(source, source, oracle).value == 0
    assert gap_closed(Sampled(0.3, 0.3 + noise), source, oracle).value == pytest.approx(-0.25)


def test_without_a_gap_there_is_none_to_close():
    draws = np.linspace(0, 1, 100)
    assert gap_closed(Sampled(0.7, draws), Sampled(0.8, draws), Sampled(0.8, draws)) == Gap(None, without_gap=1.0)
    assert gap_closed(Sampled(0.7, draws), Sampled(np.nan, draws), Sampled(0.8, draws)).value is None


def test_a_gap_that_may_be_none_has_no_interval():
    draws = np.full(100, 0.5)
    oracle = Sampled(0.6, np.where(np.arange(100) < 10, 0.45, 0.65))
    found = gap_closed(Sampled(0.55, draws), Sampled(0.5, draws), oracle)
    assert found == Gap(pytest.approx(0.5), None, None, pytest.approx(0.1))


def test_the_interval_of_the_gap_covers_the_truth():
    picks = resamples(200, 300, stream(0, 0, "b"))
    covered = []
    for seed in range(60):
        source, adapted, oracle = np.random.default_rng(seed).normal([[0.0], [0.6], [1.0]], 1, (3, 200))
        found = gap_closed(*(sampled(values, picks) for values in (adapted, source, oracle)))
        covered.append(found.low is not None and found.high is not None and found.low <= 0.6 <= found.high)
    assert np.mean(covered) > 0.85
