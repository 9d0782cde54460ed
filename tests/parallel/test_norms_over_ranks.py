"""Batch norm of batches that processes share: by all samples it is what one process makes, by shares that is told."""

import numpy as np
import pytest
from mpilab import HERE, ended, equal, needs_mpi, started
from parallellab import NORMED, NORMS, trained

import gpufa
from gpufa.backends import get_backend
from gpufa.backends.operations.norms import Moments
from gpufa.data.samples.data import Data
from gpufa.parallel.ranks import Ranks
from gpufa.training.steps.together import in_words
from gpufa.training.trainer import Trainer


class First(Ranks):
    """Rank 0 of two."""

    size = 2


def images():
    y = np.arange(200) % 3
    x = np.random.default_rng(0).random((200, 16))
    return Data(x[:150], y[:150], x[150:], y[150:])


@pytest.fixture(scope="module")
def by_two(tmp_path_factory):
    folder = tmp_path_factory.mktemp("norms")
    ended(started(HERE / "parallellab.py", folder, "data", "norms", cwd=folder))
    return folder


@needs_mpi
@pytest.mark.parametrize("name", NORMS)
def test_by_all_samples_two_processes_leave_what_one_leaves(by_two, tmp_path, name):
    trained(*NORMS[name], tmp_path)
    equal(by_two / name, tmp_path)


SHARED = "2 processes share each batch of 64 samples, this one has 32"
SAID = {
    "share": "batch norm goes by each process's own samples, 32 of 64; --batch-norm ranks goes by all of them",
    "ranks": "batch norm goes by all 64 samples of a batch, 32 of which are this process's",
}


@pytest.mark.parametrize("how", SAID)
def test_what_it_goes_by_is_told(how):
    trainer = Trainer(gpufa.Config(layers=NORMED, backend="numpy", batch_size=64), images())
    ranks = gpufa.Processes("data", batch_norm=how).among(First())
    assert in_words(trainer.config, trainer.net, trainer.batches, ranks) == [SHARED, SAID[how]]


def test_another_way_is_refused():
    with pytest.raises(gpufa.InvalidValue, match=r"^batch_norm can't be 'all'; give one of share, ranks"):
        gpufa.Processes("data", batch_norm="all")


class Other:
    """The other process: what it adds to means of a part, in the order in which it is asked."""

    def __init__(self, net, part, *terms):
        self.net, self.weight = net, (part.stop - part.start) / terms[0].shape[-1]
        self.added = [t.mean(-1, keepdims=True) - self.weight * t[..., part].mean(-1, keepdims=True) for t in terms]

    def __call__(self, means):
        means *= self.weight
        means += self.net.to_device(self.added.pop(0), means.dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_part_is_normalised_by_the_moments_of_all(backend, dtype):
    net, draw, rows, n = get_backend(backend), np.random.default_rng(1), 3, 10
    x, delta = (draw.normal(2, 3, size=(2, rows, n)) for _ in range(2))
    gain, shift = draw.normal(size=(2, 2, rows))
    mean = x.mean(-1, keepdims=True)
    variance = np.square(x - mean).mean(-1, keepdims=True)
    z = (x - mean) / np.sqrt(variance + 1e-3)
    d = delta * gain[..., None]
    means = d.mean(-1, keepdims=True), (d * z).mean(-1, keepdims=True)
    down = (d - means[0] - z * means[1]) / np.sqrt(variance + 1e-3)
    for part in (slice(0, 4), slice(4, n)):
        own, sent, g, b = (net.to_device(a, dtype) for a in (x[..., part], delta[..., part], gain, shift))
        moments = Moments(*(net.zeros((2, rows, 1), dtype) for _ in range(3)))
        found, out = net.zeros(own.shape, dtype), net.zeros(own.shape, dtype)
        with net.working():
            net.norm(own, -1, 1e-3, g, b, moments, found, out, over=Other(net, part, x, np.square(x - mean)))
            back = net.zeros(own.shape, dtype)
            net.norm_back(sent, -1, g, moments.factor, found, back, over=Other(net, part, d, d * z))
        tolerance = 1e-12 if dtype == "float64" else 2e-5
        whole = gain[..., None] * z + shift[..., None]
        for ours, theirs in ((found, z), (out, whole), (back, down)):
            np.testing.assert_allclose(net.to_host(ours), theirs[..., part], rtol=tolerance, atol=tolerance)
