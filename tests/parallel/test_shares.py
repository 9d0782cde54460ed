"""What of a batch is whose, and what processes make of what each has counted."""

from functools import partial

import numpy as np
import pytest
from rulelab import network, samples

from gpufa.measure import tally
from gpufa.net import learner
from gpufa.parallel.ranks import ALONE, BY_ITSELF, Piece, Ranks, Share, for_any, recorded


class Rank(Ranks):
    """Number `rank` of `size`, which hears nothing of the others."""

    def __init__(self, rank, size):
        self.rank, self.size = rank, size


@pytest.mark.parametrize("size", [1, 2, 3, 7])
@pytest.mark.parametrize("n", [0, 1, 5, 7, 64, 1001])
def test_shares_are_all_there_is_in_order_and_differ_by_one_at_most(n, size):
    shares = [Rank(rank, size).share(n) for rank in range(size)]
    things = np.arange(n)
    np.testing.assert_array_equal(np.concatenate([things[share.part] for share in shares]), things)
    lengths = [share.own for share in shares]
    assert max(lengths) - min(lengths) <= 1
    assert {share.whole for share in shares} == {n}
    assert [share.all_of_it for share in shares] == [own == n for own in lengths]


def test_one_alone_has_everything_and_hears_itself():
    a = np.arange(6.0).reshape(2, 3)
    ALONE.add(None, a)
    np.testing.assert_array_equal(a, np.arange(6.0).reshape(2, 3))
    assert ALONE.share(9) == Share(0, 9, 9)
    assert ALONE.total(a) is a
    assert (ALONE.any(False), ALONE.any(True)) == (False, True)
    assert ALONE.gather("mine") == ["mine"]
    assert BY_ITSELF.first


class Hosted(Rank):
    records = False


class Capture:
    """Notes when what it was given runs, and asks whether that has failed anywhere."""

    def __init__(self, done):
        self.done, self.asked = done, []

    def __call__(self, job, failed):
        self.asked.append(failed)

        def run():
            self.done.append("[")
            job()
            self.done.append("]")

        return run


@pytest.mark.parametrize(("made", "order"), [(Rank, "[ abcde ]"), (Hosted, "[ ab ] c [ de ]")])
def test_what_stays_on_the_device_is_recorded_together(made, order):
    done = []
    capture, ranks = Capture(done), made(0, 2)
    pieces = [Piece(partial(done.append, name), ranks if name == "c" else ALONE) for name in "abcde"]
    recorded(capture, pieces)()
    assert "".join(done) == order.replace(" ", "")
    assert len(capture.asked) == order.count("[")


def test_whether_any_process_of_several_groups_has_failed():
    class Other(Rank):
        def any(self, flag):
            return flag or self.rank == 1

    assert not for_any([ALONE])(False)
    assert for_any([ALONE])(True)
    assert for_any([ALONE, Other(1, 2), Other(0, 2)])(False)
    assert not for_any([Other(0, 2)])(False)


KINDS = {
    "labels": ([5, 4, 3], "cross_entropy", lambda draw: draw.integers(0, 3, 41)),
    "two classes": ([5, 4, 2], "cross_entropy", lambda draw: draw.integers(0, 2, 41)),
    "flags": ([5, 4, 3], "binary_cross_entropy", lambda draw: draw.integers(0, 2, (41, 3)).astype(float)),
    "amounts": ([5, 4, 2], "squared_error", lambda draw: draw.normal(size=(41, 2))),
}


@pytest.mark.parametrize("size", [2, 3])
@pytest.mark.parametrize("kind", KINDS)
def test_tallies_of_parts_are_together_the_tally_of_all(kind, size):
    sizes, loss, targets = KINDS[kind]
    net, draw = network(sizes, "bp", loss=loss, seeds=(0, 1)), np.random.default_rng(3)
    added_up(net, samples(sizes, m=41)[0], targets(draw), size)


@pytest.mark.parametrize("size", [2, 3, 41])
@pytest.mark.parametrize("at_once", [16, 1000])
def test_a_part_is_judged_by_the_spikes_that_it_has_beside_the_others(monkeypatch, at_once, size):
    """All samples meet the same draws, wherever they stand."""
    monkeypatch.setattr(learner, "CHUNK", at_once)
    net = network(["input 5", "poisson 4 rate 0.5, lif 6", "dense 3"], "bp", seeds=(0, 1), init="uniform")
    net.parameters["W1"][...] *= 9  # else none of lif's units would ever spike
    x, _ = samples([5, 3], m=41)
    added_up(net, x, np.arange(41) % 3, size)
    assert len({*net.predict(x[:1].repeat(41, axis=0))[0, :, 0]}) == 1
    assert len({*net.predict(x)[0, :, 0]}) > 5


def added_up(net, x, y, size):
    """What so many processes count is together what one counts."""
    whole = tally.count(net, x, y)
    parts = [tally.count(net, x, y, Rank(rank, size).share(len(x)).part) for rank in range(size)]
    found = tally.together(parts)
    for name in tally.Tally._fields:
        ours, theirs = getattr(found, name), getattr(whole, name)
        if isinstance(theirs, frozenset):
            assert ours == theirs
        else:
            np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-14, err_msg=name)


def test_the_tally_of_one_part_is_that():
    one = object()
    assert tally.together([one]) is one
