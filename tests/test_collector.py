import gc

import pytest

from simgen.collector import collector_paused


@pytest.fixture(autouse=True)
def _as_it_was():
    running = gc.isenabled()
    yield
    gc.enable() if running else gc.disable()


def test_the_collector_is_held_back_inside_and_runs_again_after_an_error():
    gc.enable()
    inside = []

    @collector_paused()
    def fails():
        inside.append(gc.isenabled())
        raise ValueError("inside")

    with pytest.raises(ValueError, match="inside"):
        fails()
    assert inside == [False]
    assert gc.isenabled()


def test_a_collector_that_the_user_stopped_stays_so():
    gc.disable()
    with collector_paused(), collector_paused():
        assert not gc.isenabled()
    assert not gc.isenabled()
