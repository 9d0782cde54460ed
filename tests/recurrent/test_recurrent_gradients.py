"""Gradients through windows of time, with and without synthetic gradients, in float64."""

import numpy as np
import pytest
from recurrentlab import TASK, close, host, loss, made, values


def slopes(trainer, names, function, step=1e-5):
    """Central differences of function(), (R,), with respect to the parameters of these names."""
    backend, parameters, found = trainer.net.backend, trainer.net.parameters, {}
    for name in names:
        p = parameters[name]
        kept, found[name] = host(trainer, p), np.empty(p.shape)
        for at in np.ndindex(p.shape[1:]):
            sides = []
            for sign in (1, -1):
                moved = kept.copy()
                moved[(slice(None), *at)] += sign * step
                p[...] = backend.to_device(moved)
                sides.append(function())
            found[name][(slice(None), *at)] = (sides[0] - sides[1]) / (2 * step)
        p[...] = backend.to_device(kept)
    return found


class Exact:
    """The true gradient at every state in place of M; `met` keeps what came back to the windows' beginnings."""

    def __init__(self, trainer, gradients):
        self.trainer, self.gradients, self.met = trainer, gradients, {}

    def _at(self, h):
        return next(t for t, state in enumerate(self.trainer.sequence.h) if state is h)

    def predict(self, h):
        return self.trainer.net.backend.to_device(self.gradients[self._at(h)])

    def learn(self, h, g, grads):
        self.met[self._at(h)] = host(self.trainer, g)


def true_gradients(trainer):
    """dL/dh[t] of each sample, by BPTT from the sequence's end."""
    sequence = trainer.sequence
    sequence.forward(0, sequence.steps)
    sequence.dh.fill(0)
    found = {}
    for t in reversed(range(sequence.steps)):
        sequence.backward(t, t + 1, trainer.grads)
        found[t] = host(trainer, sequence.dh)
    trainer.grads.flat.fill(0)
    return found


@pytest.mark.parametrize("kind", ["cross_entropy", "squared_error"])
def test_bptt_is_the_gradient_of_the_total_loss(backend, kind):
    trainer = made(backend, loss=kind, units=4, samples=3)
    found = trainer.gradients()
    expected = slopes(trainer, found, lambda: loss(trainer))
    assert found.keys() == {"W", "U", "V", "b", "c"}
    for name in found:
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-6, atol=2e-10, err_msg=name)


def test_bptt_against_a_naive_unrolled_net(backend):
    """The loss, sample by sample, in the formula's own words: the forward pass is not taken on trust."""
    trainer = made(backend)
    p, sequence = values(trainer), trainer.sequence
    x, y = ([host(trainer, s) for s in sequence.x], {t: host(trainer, s) for t, s in sequence.y.items()})
    expected = np.zeros(2)
    for r in range(2):
        for i in range(sequence.m):
            h = np.zeros(5)
            for t in range(TASK.steps):
                h = np.tanh(p["W"][r] @ h + p["U"][r] @ x[t][r, :, i] + p["b"][r])
                if t in y:
                    o = p["V"][r] @ h + p["c"][r]
                    expected[r] += np.log(np.exp(o).sum()) - o @ y[t][r, :, i]
    np.testing.assert_allclose(loss(trainer), expected / sequence.m, rtol=1e-13)


def test_a_window_of_the_whole_sequence_is_full_bptt(backend):
    close(made(backend, window=TASK.steps).gradients(), made(backend).gradients(), 0)
    close(made(backend, window=100).gradients(), made(backend).gradients(), 0)


@pytest.mark.parametrize("window", [1, 2, 3, 6])
def test_the_exact_gradient_at_the_boundary_makes_it_full_bptt(backend, window):
    trainer, full = made(backend, window), made(backend)
    exact = trainer.synthetic = Exact(trainer, true_gradients(trainer))
    found, expected = trainer.gradients(), full.gradients()
    close(found, expected, 1e-12)
    assert exact.met.keys() == set(range(window, TASK.steps, window))
    for t, g in exact.met.items():  # so M's target would be the true gradient as well
        np.testing.assert_allclose(g, exact.gradients[t], rtol=1e-12, atol=1e-14)
        assert np.abs(g).max() > 1e-3


@pytest.mark.parametrize("synthetic", [(), (4,)])
def test_m_of_zero_is_truncated_bptt_and_another_m_is_not(backend, synthetic):
    truncated, other = made(backend, 3), made(backend, 3, synthetic)
    expected = truncated.gradients()
    assert np.abs(other.gradients()["W"] - expected["W"]).max() > 1e-3
    for name in (f"M{len(synthetic) + 1}", f"m{len(synthetic) + 1}"):
        other.net.parameters[name].fill(0)
    close(other.gradients(), expected, 0)
    assert np.abs(expected["W"] - made(backend).gradients()["W"]).max() > 1e-3


def test_a_window_is_the_gradient_of_its_own_loss_plus_m_times_its_last_state(backend):
    """What a window with M hands over is the gradient of loss + <M(h_T), h_T> with M(h_T) and h_0 held fixed."""
    trainer = made(backend, 4, (3,), samples=3)
    sequence, names = trainer.sequence, ["W", "U", "V", "b", "c"]
    sequence.forward(0, 3)
    sequence.forward(3, 6)
    fixed = host(trainer, trainer.synthetic.predict(sequence.h[6]))

    def surrogate():
        sequence.sums.fill(0)
        sequence.forward(3, 6)
        sent = (fixed * host(trainer, sequence.h[6])).sum(axis=(1, 2))
        return (host(trainer, sequence.sums)[0] + sent) / sequence.m

    expected = slopes(trainer, names, surrogate)
    trainer.grads.flat.fill(0)
    trainer.through(3, 6)
    found = {name: host(trainer, g) for name, g in trainer.net.named(trainer.grads).items()}
    for name in names:
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-6, atol=2e-10, err_msg=name)


@pytest.mark.parametrize("synthetic", [(), (4,), (4, 3)])
def test_the_gradient_of_m_is_that_of_its_squared_error(backend, synthetic):
    trainer = made(backend, 3, synthetic)
    sequence, M = trainer.sequence, trainer.synthetic
    sequence.forward(0, 3)
    g = trainer.net.backend.to_device(np.random.default_rng(3).normal(size=(2, 5, 6)))
    M.learn(sequence.h[3], g, trainer.grads)
    found = {name: host(trainer, p) for name, p in trainer.net.named(trainer.grads).items()}
    names = [name for name in found if name[0] in "Mm"]
    assert len(names) == 2 * len(synthetic) + 2
    assert not any(found[name].any() for name in found.keys() - set(names))

    def squared_error():
        return 0.5 * ((host(trainer, M.predict(sequence.h[3])) - host(trainer, g)) ** 2).sum(axis=(1, 2)) / 6

    expected = slopes(trainer, names, squared_error)
    for name in names:
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-6, atol=2e-10, err_msg=name)


def test_m_learns_from_the_window_behind_it_and_its_own_later_prediction(backend):
    """The target at h[3] is what comes back through steps 3 to 5 from M(h[6]), and at h[6] what comes through 6."""
    trainer = made(backend, 3, ())
    targets = []
    learn = trainer.synthetic.learn
    trainer.synthetic.learn = lambda h, g, grads: (targets.append(host(trainer, g)), learn(h, g, grads))
    found = trainer.gradients()
    p, h = values(trainer), [host(trainer, s) for s in trainer.sequence.h]
    e = {t: host(trainer, s) for t, s in trainer.sequence.e.items()}

    def M(t):
        return p["M1"] @ h[t] + p["m1"][..., None]

    def back(g, t):
        """From dL/dh[t + 1], without step t's own loss, to dL/dh[t]."""
        own = p["V"].swapaxes(1, 2) @ e[t] if t in e else 0
        return p["W"].swapaxes(1, 2) @ ((g + own) * (1 - h[t + 1] ** 2))

    expected = [back(back(back(M(6), 5), 4), 3), back(np.zeros_like(h[0]), 6)]
    np.testing.assert_allclose(targets, expected, rtol=1e-12, atol=1e-14)
    errors = [M(3) - expected[0], M(6) - expected[1]]
    slope = sum(error @ h[t].swapaxes(1, 2) for error, t in zip(errors, (3, 6), strict=True)) / 6
    np.testing.assert_allclose(found["M1"], slope, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(found["m1"], sum(errors).mean(axis=2), rtol=1e-12, atol=1e-14)
