"""Recurrent nets: the copy task, training on either backend, and what is refused."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest
from recurrentlab import TASK, close, host, made, values

import gpufa.recurrent.trainer
from gpufa.basics.errors import InvalidValue
from gpufa.functions.optimizers import OPTIMIZERS, Hyper, unbias
from gpufa.recurrent import CopyTask, RecurrentNet, RecurrentTrainer

EXAMPLE = Path(__file__).parents[2] / "examples" / "copy_task.py"


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
