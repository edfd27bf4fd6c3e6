from simgen.rng import stream


def test_the_same_key_gives_the_same_numbers():
    assert stream(1, 2, "light").uniform() == stream(1, 2, "light").uniform()


def test_any_other_key_gives_other_numbers():
    keys = [(1, 2, "light", 0), (2, 2, "light", 0), (1, 3, "light", 0), (1, 2, "mass", 0), (1, 2, "light", 1)]
    assert len({stream(seed, index, name, attempt).uniform() for seed, index, name, attempt in keys}) == len(keys)
