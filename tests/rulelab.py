"""What tests of learning rules are made of: float64 nets with the same random weights for every rule and backend."""

import numpy as np

import gpufa
from gpufa.training.trainer import Trainer

rng = np.random.default_rng(0)
# Settings of rules that can't take the ones all others are tested with, or would take long.
OWN = {
    "nn_lift": {"hidden": (5,)},
    "evolution": {"rule_options": {"pairs": 2}},
    "rbm": {"scaling": "unit"},
}
# Settings under which runs stay equal to rounding. With eps of 1e-8, Adam and RMSprop make up to a whole step of the
# rounding of a gradient that is all but zero.
STEADY = {"optimizer": "momentum", "lr": 0.002}
STEADY_EPS = {"eps": 1e-3}


def network(sizes, rule, activation=None, loss="cross_entropy", backend="numpy", **kw):
    """A float64 net with random weights and biases, the same for every rule."""
    net = gpufa.Network(sizes, activation=activation, loss=loss, rule=rule, dtype="float64", backend=backend, **kw)
    draw = np.random.default_rng(1)
    for name, p in net.parameters.items():
        if name not in net.extras:
            put(net, p, draw.normal(0, 1 / np.sqrt(p.shape[-1]) if name[0] == "W" else 0.3, p.shape))
    return net


def put(net, view, array):
    """Write a host array into a live view of the net."""
    view[...] = net.backend.to_device(np.asarray(array, view.dtype))


def host(net, array):
    return np.array(net.backend.to_host(array))


def values(net):
    """Copies of all parameters by name."""
    return {name: host(net, p) for name, p in net.parameters.items()}


def samples(sizes, loss="cross_entropy", m=9, seed=0):
    """x, (m, n_0), and labels, or targets for squared error: the same ones for the same sizes and seed."""
    draw = np.random.default_rng([seed, *sizes, m])
    x = draw.normal(size=(m, sizes[0]))
    return x, draw.normal(size=(m, sizes[-1])) if loss == "squared_error" else draw.integers(0, sizes[-1], m)


def close(a, b, tolerance=1e-10, names=None):
    """Two mappings of arrays are equal, or some of their names are."""
    if names is None:
        assert a.keys() == b.keys()
    for name in names or a:
        np.testing.assert_allclose(a[name], b[name], rtol=tolerance, atol=tolerance, err_msg=name)


DATA = gpufa.Data(rng.normal(size=(40, 6)), np.arange(40) % 3, rng.normal(size=(6, 6)), np.arange(6) % 3)


def trainer(data=DATA, **settings):
    """A Trainer in the middle of its first epoch: call step()."""
    defaults = {"hidden": (5, 4), "batch_size": 8, "seeds": (0,), "dtype": "float64", "backend": "numpy", "epochs": 3}
    made = Trainer(gpufa.Config(**defaults | settings), data)
    made.rule.prepare(made.net, made.train[0], made.train[1])
    made.begin_epoch()
    return made


def moved(**settings):
    """Which parameters a few steps change."""
    run = trainer(**settings)
    before = values(run.net)
    for _ in range(2):
        run.step()
    return {name for name, p in values(run.net).items() if not np.array_equal(p, before[name])}


def replicas_are_single_runs(make, backend, seeds=(0, 7), rtol=1e-9, atol=1e-11):
    """Four steps of `make(seeds=..., backend=...)`, a Trainer: as they come, recorded and replayed; each seed comes to
    what it does alone on NumPy. Returns the Trainers of single seeds."""
    both, alone = make(seeds=seeds, backend=backend), [make(seeds=(seed,), backend="numpy") for seed in seeds]
    for _ in range(4):
        for run in (both, *alone):
            run.step()
    for r, run in enumerate(alone):
        for name, p in values(run.net).items():
            np.testing.assert_allclose(values(both.net)[name][r], p, rtol=rtol, atol=atol, err_msg=name)
    return alone


def gradients_are_slopes(net, x, y, step=1e-6, rtol=1e-6):
    """Those of the loss, along a random direction of each parameter."""
    found, draw = net.gradients(x, y), np.random.default_rng(0)
    for name, p in net.parameters.items():
        along, kept, losses = draw.normal(size=p.shape), host(net, p), []
        for sign in (1, -1):
            put(net, p, kept + sign * step * along)
            losses.append(net.loss(x, y))
        put(net, p, kept)
        slope = (losses[0] - losses[1]) / (2 * step)
        np.testing.assert_allclose((found[name] * along).sum(), slope, rtol=rtol, atol=1e-9, err_msg=name)
