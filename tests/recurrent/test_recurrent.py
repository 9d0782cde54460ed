"""Recurrent nets: gradients through windows of time, with and without synthetic gradients, in float64."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

import gpufa.recurrent.trainer
from gpufa.basics.errors import InvalidValue
from gpufa.functions.optimizers import OPTIMIZERS, Hyper, unbias
from gpufa.recurrent import CopyTask, RecurrentNet, RecurrentTrainer

TASK = CopyTask(length=2, delay=3, alphabet=3)  # 7 steps
EXAMPLE = Path(__file__).parents[2] / "examples" / "copy_task.py"


def made(backend="numpy", window=None, synthetic=None, seeds=(0, 1), units=5, task=TASK, samples=6, loss=None, **kw):
    """A float64 trainer whose biases, and M with all its layers, are random too, with sequences drawn."""
    net = RecurrentNet(
        (task.inputs, units, task.outputs),
        synthetic=synthetic,
        loss=loss or "cross_entropy",
        seeds=seeds,
        dtype="float64",
        backend=backend,
    )
    for name, p in net.parameters.items():
        if name[0] in "bcMm":
            for r, seed in enumerate(seeds):
                draw = np.random.default_rng([seed, *name.encode()])
                p[r] = net.backend.to_device(draw.normal(0, 0.3, p.shape[1:]))
    trainer = RecurrentTrainer(net, task, window=window, samples=samples, **kw)
    trainer.sequences.draw(trainer.clock.step)
    return trainer


def host(trainer, array):
    return np.array(trainer.net.backend.to_host(array))


def values(trainer):
    return {name: host(trainer, p) for name, p in trainer.net.parameters.items()}


def close(found, expected, tolerance):
    """Equal for all that both have."""
    for name in found.keys() & expected.keys():
        np.testing.assert_allclose(found[name], expected[name], rtol=tolerance, atol=tolerance, err_msg=name)


def loss(trainer):
    """The sequences' mean loss, (R,)."""
    sequence = trainer.sequence
    sequence.sums.fill(0)
    sequence.forward(0, sequence.steps)
    return host(trainer, sequence.sums)[0] / sequence.m


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


# What the program makes


def test_the_copy_task_shows_symbols_and_wants_them_again(backend):
    task = CopyTask(length=3, delay=2, alphabet=4)
    trainer = made(backend, task=task, samples=50)
    x, y = (np.stack([host(trainer, s) for s in part]) for part in (trainer.sequence.x, trainer.sequence.y.values()))
    assert (task.steps, task.inputs, task.outputs, task.wanted) == (8, 5, 4, range(5, 8))
    np.testing.assert_array_equal(x[:3, :, :4], y)
    np.testing.assert_array_equal(y.sum(axis=2), 1)
    assert set(np.unique(y)) == {0, 1}
    assert not x[:3, :, 4].any()
    assert not x[3:, :, :4].any()
    cue = np.zeros((9, 2, 50))
    cue[5] = 1
    np.testing.assert_array_equal(x[:, :, 4], cue)
    assert (y.sum(axis=(0, 3)) > 20).all()  # of 150, 37.5 of each symbol are expected
    assert not np.array_equal(y[:, 0], y[:, 1])
    before = y[0].copy()
    trainer.train(2)
    assert not np.array_equal(host(trainer, trainer.sequence.y[5]), before)


def test_nets_start_alike_with_and_without_m_and_m_starts_at_zero():
    plain, linear, hidden = (
        RecurrentNet((4, 6, 3), synthetic=M, seeds=(0, 5), backend="numpy", dtype="float64") for M in (None, (), (7,))
    )
    for net in (linear, hidden):
        close(plain.parameters, net.parameters, 0)
    W = plain.parameters["W"]
    np.testing.assert_allclose(W @ W.swapaxes(-1, -2), [np.eye(6)] * 2, atol=1e-14)
    assert not np.allclose(W[0], W[1])
    assert linear.parameters.keys() - plain.parameters.keys() == {"M1", "m1"}
    assert hidden.parameters["M1"].shape == (2, 7, 6)
    assert hidden.parameters["M1"].any()
    for p in (linear.parameters["M1"], hidden.parameters["M2"], hidden.parameters["m1"], plain.parameters["b"]):
        assert not p.any()


# Gradients


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


# Training


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(("window", "synthetic"), [(None, None), (3, None), (3, (4,))])
def test_replicas_are_single_runs_and_the_backends_agree(backend, window, synthetic):
    """Five steps of Adam: as they come, recorded, and replayed; nothing may be allocated in a recorded one."""
    both = made(backend, window, synthetic, lr=0.01)
    shown = both.train(5)
    for r, seed in enumerate((0, 1)):
        single = made("numpy", window, synthetic, seeds=(seed,), lr=0.01)
        alone = single.train(5)
        for name, value in values(single).items():
            np.testing.assert_allclose(values(both)[name][r], value[0], rtol=1e-10, atol=1e-10, err_msg=name)
        for name in shown:
            np.testing.assert_allclose(shown[name][r], alone[name][0], rtol=1e-10)


@pytest.mark.parametrize("name", ["sgd", "adam"])
def test_a_step_is_an_update_after_each_window_by_the_optimizer_of_the_name(backend, name):
    """Two steps by hand: M learns at its own rate, both gradients are clipped on their own, updates are counted."""
    row = OPTIMIZERS[name]
    trainer = made(backend, 3, (), optimizer=name, lr=0.1, synthetic_rate=3.0, clip=0.05)
    by_hand = made("numpy", 3, ())
    states = {name: [np.zeros_like(p) for _ in row.states] for name, p in values(by_hand).items()}
    update, sums = 0, by_hand.sequence.sums
    for step in range(2):
        by_hand.sequences.draw(np.array([step]))
        for first, last in ((0, 3), (3, 6), (6, 7)):
            by_hand.through(first, last)
            update += 1
            corrections = dict(zip(("unbias1", "unbias2"), unbias(row.momentum, row.beta2, update), strict=True))
            for names, lr in ((("W", "U", "V", "b", "c"), 0.1), (("M1", "m1"), 0.3)):
                g = {name: by_hand.net.named(by_hand.grads)[name] for name in names}
                norm = sum((one.reshape(2, -1) ** 2).sum(axis=1) for one in g.values()) ** 0.5
                factor = np.minimum(1, 0.05 / (norm + 1e-6))
                hyper = Hyper(lr, momentum=row.momentum, beta2=row.beta2, eps=row.eps, **corrections)
                for name, one in g.items():
                    slope = (one.T * factor).T
                    row.update(by_hand.net.parameters[name], slope, states[name], np.empty_like(slope), hyper)
            by_hand.grads.flat.fill(0)
    shown = trainer.train(2)
    close(values(trainer), values(by_hand), 1e-11)
    np.testing.assert_allclose(shown["loss"], sums[0] / 12, rtol=1e-11)
    np.testing.assert_allclose(shown["error"], 50 * sums[1] / 12)


def test_training_goes_on_where_it_stopped(backend, monkeypatch):
    whole = made(backend, 3, (), lr=0.01)
    whole_loss = whole.train(4)["loss"]
    monkeypatch.setattr(gpufa.recurrent.trainer, "AHEAD", 2)
    parts = made(backend, 3, (), lr=0.01)
    losses = [parts.train(steps)["loss"] for steps in (1, 3)]
    close(values(parts), values(whole), 0)
    np.testing.assert_allclose(losses[0] + 3 * losses[1], 4 * whole_loss, rtol=1e-12)


def test_synthetic_gradients_solve_what_truncation_does_not():
    """13 steps from symbol to recall through windows of 4: in the last 100 of 700 steps below 1 % of the symbols are
    wrong with synthetic gradients, above 5 % without, mean over 3 seeds."""
    task, error = CopyTask(length=3, delay=10, alphabet=4), {}
    for synthetic in (None, ()):
        net = RecurrentNet((task.inputs, 64, task.outputs), synthetic=synthetic, seeds=(0, 1, 2), backend="numpy")
        trainer = RecurrentTrainer(net, task, window=4)
        trainer.train(600)
        error[synthetic] = trainer.train(100)["error"].mean()
    assert error[()] < 1
    assert error[None] > 5


def test_the_example_prints_a_table_and_draws_the_curves(tmp_path, capsys, monkeypatch):
    spec = importlib.util.spec_from_file_location("copy_task", EXAMPLE)
    example = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(example)
    monkeypatch.setattr(sys, "argv", ["copy_task.py", str(tmp_path / "curves.png"), "100"])
    example.main()
    shown = capsys.readouterr().out
    for name in example.MODES:
        assert name in shown
    assert (tmp_path / "curves.png").stat().st_size > 10_000


# Bad input


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: CopyTask(length=0), "the copy task's length can't be 0; give a whole number of at least 1"),
        (lambda: CopyTask(delay=-1), "the copy task's delay can't be -1; give a whole number of at least 0"),
        (lambda: CopyTask(alphabet=1), "the copy task's alphabet can't be 1; give a whole number of at least 2"),
        (lambda: RecurrentNet((4, 5)), r"got sizes \[4, 5\]: give \(5, 64, 4\)"),
        (lambda: RecurrentNet((4, 2.5, 3)), "a size of the recurrent net can't be 2.5; give a whole number"),
        (lambda: RecurrentNet((4, 5, 3), synthetic=(0,)), "a hidden width of M can't be 0; give a whole number"),
        (lambda: RecurrentNet((4, 5, 3), synthetic=8), r"M's hidden widths can't be 8; give \(\) for a linear M"),
        (lambda: RecurrentNet((4, 5, 3), seeds=()), r"seeds \[\] can't be used; give at least one, and each once"),
        (lambda: RecurrentNet((4, 5, 3), seeds=(1, 1)), r"seeds \[1, 1\] can't be used"),
        (lambda: RecurrentNet((4, 5, 3), seeds=(-1,)), "seed -1 can't be used; give a whole number from 0"),
        (lambda: RecurrentNet((4, 5, 3), dtype="float16"), "unknown dtype 'float16'; choose one of float32, float64"),
        (lambda: RecurrentNet((4, 5, 3), loss="hinge"), "unknown loss 'hinge'; choose one of cross_entropy"),
        (lambda: made(window=0), "the window can't be 0; give a whole number of at least 1"),
        (lambda: made(window=7, synthetic=()), "a window of 7 steps holds the whole sequence of 7, so that M would"),
        (lambda: made(synthetic=()), "a window of 7 steps holds the whole sequence of 7, so that M would"),
        (lambda: made(samples=True), "the number of samples can't be True; give a whole number of at least 1"),
        (lambda: made(optimizer="adagrad"), "unknown optimizer 'adagrad'; choose one of sgd"),
        (lambda: made(lr=0), "the learning rate lr can't be 0; give a number above 0"),
        (lambda: made(synthetic_rate=float("inf")), "synthetic_rate can't be inf; give a number above 0"),
        (lambda: made(clip="1"), "clip can't be '1'; give a number above 0"),
        (lambda: made().train(0), "the number of steps can't be 0; give a whole number of at least 1"),
        (
            lambda: RecurrentTrainer(RecurrentNet((4, 5, 4), backend="numpy"), TASK),
            r"the copy task has 4 inputs and 3 outputs, the net 4 and 4; make it of \(task.inputs, units, task.outputs",
        ),
    ],
)
def test_what_cannot_be_is_refused_in_one_sentence(make, sentence):
    with pytest.raises(InvalidValue, match=sentence):
        make()


def test_a_loss_that_is_not_finite_comes_without_numpys_warnings(recwarn):
    trainer = RecurrentTrainer(RecurrentNet((5, 4, 4)), CopyTask(), lr=1e308, samples=2)
    assert not np.isfinite(trainer.train(3)["loss"]).all()
    assert [str(w.message) for w in recwarn] == []
