"""Training through windows of time: an update behind each, states carried, synthetic gradients at their ends."""

from functools import partial

import numpy as np
import pytest
from celllab import TINY, begin, hollowed, step
from rulelab import close, put, replicas_are_single_runs, trainer, values
from spikelab import SPIKING

import gpufa
from gpufa.data.tasks.copying import CopyTask
from gpufa.measure.alignment import measure

TASK = CopyTask(length=2, delay=3, alphabet=3, train_samples=24, test_samples=6)  # 7 steps
DATA = gpufa.load_data(tuple(TASK.data()), task="places")
AT_THE_END = gpufa.Data(DATA.x_train, DATA.y_train[:, -1], DATA.x_test, DATA.y_test[:, -1])
SETTINGS = {"hidden": None, "optimizer": "sgd", "lr": 0.5, "init": "uniform", "weight_decay": 0.0, "batch_size": 6}


def run_of(word, rule, options=None, data=DATA, **kw):
    layers = kw.pop("layers", ("input 4x7", f"{word} all"))
    return trainer(data, **{**SETTINGS, "layers": layers, "rule": rule, "rule_options": options or {}, **kw})


def loss(layer, theta, states, x, y, M=None):
    """The sum over the window's counted steps of the cross-entropy, and with M <M(s_T), s_T> with M(s_T) held; the
    states s_T behind it. x is (channels, steps)."""
    total, state = 0, states
    for t in range(x.shape[1]):
        state = step(layer, theta, state, state[0], x[:, t])
        if y[t] >= 0:
            o = theta["W2"].reshape(3, -1) @ state[0] + theta["b2"]
            total += np.log(np.exp(o).sum()) - o[y[t]]
    if M is not None:
        s = np.concatenate(state)
        total += (M[0] @ s.real + M[1]) @ s
    return total, state


def slope(function, a):
    """By complex steps, of a function of one array."""
    found = np.empty(a.shape)
    for at in np.ndindex(a.shape):
        moved = a.astype(complex)
        moved[at] += 1j * TINY
        found[at] = function(moved).imag / TINY
    return found


def slopes_of(layer, theta, state, x, y, M):
    """Of a sample's loss in a window: by theta, and by the states that it begins from."""
    by_theta = {
        name: slope(lambda a, name=name: loss(layer, {**theta, name: a}, state, x, y, M)[0], p)
        for name, p in theta.items()
    }
    if M is None:
        return by_theta, None
    return by_theta, slope(
        lambda s: loss(layer, theta, tuple(s.reshape(-1, layer.n)), x, y, M)[0], np.concatenate(state)
    )


def by_hand(layer, theta, x, y, window, lr, M=None, rate=0.0):
    """theta, and M, after one batch by plain SGD: x is (samples, channels, steps)."""
    states, steps, weight = [begin(layer) for _ in x], x.shape[2], y.size / (y >= 0).sum()
    for first in range(0, steps, window):
        last = min(first + window, steps)
        mean, ends = 1 / (len(x) * (last - first)), last == steps
        grads, own = (
            {name: np.zeros(p.shape) for name, p in theta.items()},
            None if M is None else [np.zeros(m.shape) for m in M],
        )
        after = []
        for state, seen, wanted in zip(states, x[..., first:last], y[:, first:last], strict=True):
            at_end = None if M is None else [m * (not ends) / weight for m in M]
            by_theta, g = slopes_of(layer, theta, state, seen, wanted, at_end)
            for name, one in hollowed(layer, by_theta).items():
                grads[name] += mean * weight * one
            if first and M is not None:
                s = np.concatenate(state)
                miss = M[0] @ s + M[1] - weight * g
                own = [own[0] + mean * np.outer(miss, s), own[1] + mean * miss]
            after.append(tuple(one.real for one in loss(layer, theta, state, seen, wanted)[1]))
        theta = {name: p - lr * grads[name] for name, p in theta.items()}
        M = None if M is None else [m - lr * rate * g for m, g in zip(M, own, strict=True)]
        states = after
    return theta, M


def begun(run):
    """The recurrent layer, parameters by the formulas' names, and the first batch."""
    layer = next(layer for layer, _ in run.net.sizes.walk(1) if layer.timed)
    theta = {name[:-1] if name[1:] == "1" else name: p for name, p in values(run.net).items() if name[0] not in "Mm"}
    order = run.batches.order[0, :6]
    return layer, theta, run.train[0][order].reshape(6, 4, 7), run.train[1][order]


@pytest.mark.parametrize("word", ["recurrent 5 leaky 0.5", "gru 5", "lstm 5"])
@pytest.mark.parametrize("window", [2, 3, 7])
def test_an_update_behind_each_window_from_the_states_of_the_one_before(word, window):
    run = run_of(word, "bp", {"window": window})
    expected, _ = by_hand(*begun(run), window, lr=0.5)
    run.step()
    close(begun(run)[1], expected, 1e-11)


@pytest.mark.parametrize("word", ["recurrent 5", "gru 5", "lstm 5", SPIKING[1], SPIKING[4]])
def test_synthetic_gradients_stand_at_the_ends_and_learn_from_the_windows_behind(word):
    run = run_of(word, "dni_windows", {"window": 3, "rate": 2.0})
    M, draw = [run.net.parameters[name] for name in ("M1", "m1")], np.random.default_rng(0)
    for m in M:
        m[...] = draw.normal(0, 0.3, m.shape)
    expected, learnt = by_hand(*begun(run), 3, 0.5, [m.copy() for m in M], rate=2.0)
    run.step()
    close(begun(run)[1], expected, 1e-11)
    for m, own in zip(M, learnt, strict=True):
        np.testing.assert_allclose(m, own, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize(("rule", "options"), [("bp", {}), ("bp", {"truncate": 2}), ("dni_windows", {"rate": 2.0})])
@pytest.mark.parametrize("word", ["gru 5", "lstm 5"])
def test_what_a_net_says_of_itself_and_its_angles_are_of_windows_too(word, rule, options, backend):
    run = run_of(word, rule, {"window": 3, **options}, backend=backend)
    M = None
    if rule == "dni_windows":
        M = [np.random.default_rng(i).normal(0, 0.3, p.shape) for i, p in enumerate(host_M(run))]
        for name, m in zip("Mm", M, strict=True):
            put(run.net, run.net.parameters[f"{name}1"], m)
    layer, theta, x, y = begun(run_of(word, rule, {"window": 3, **options}))
    states, count, found = [begin(layer) for _ in x], (y >= 0).sum(), run.net.gradients(x.reshape(6, -1), y)
    expected = {name: np.zeros(p.shape) for name, p in theta.items()}
    for first, last in [(0, 3), (3, 6), (6, 7)]:
        parts = [(a, min(a + options.get("truncate", 3), last)) for a in range(first, last, options.get("truncate", 3))]
        for a, b in parts:
            at_end = None if M is None or b == 7 else [m * count / y.size for m in M]
            for i, state in enumerate(states):
                by_theta, _ = slopes_of(layer, theta, state, x[i, :, a:b], y[i, a:b], at_end)
                expected = {name: g + by_theta[name] / count for name, g in expected.items()}
                states[i] = tuple(one.real for one in loss(layer, theta, state, x[i, :, a:b], y[i, a:b])[1])
    close({name: found.get(f"{name}1", found.get(name)) for name in theta}, expected, 1e-11)
    assert measure(run.net, *run.probe)["gradient"][0, 0] > 1
    assert measure(run_of(word, "bp").net, *run_of(word, "bp").probe)["gradient"][0, 0] < 1e-4


def host_M(run):
    return [values(run.net)[name] for name in ("M1", "m1")]


@pytest.mark.parametrize("hidden", [0, 4])
@pytest.mark.parametrize("word", ["gru 5", "lstm 5"])
def test_m_starts_as_truncation_and_its_gradient_is_that_of_its_squared_error(word, hidden):
    """A step by which M hardly learns is one of truncated windows; of what it learns the direction lessens its
    error."""
    options = {"window": 3, "hidden": hidden, "rate": 1e-9}
    found, plain = run_of(word, "dni_windows", options), run_of(word, "bp", {"window": 3})
    for one in (found, plain):
        one.step()
    close(begun(found)[1], begun(plain)[1], 1e-7, names=begun(plain)[1])
    assert found.net.parameters["V1" if hidden else "M1"].any()


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("word", "rule", "options"),
    [
        *((word, "dni_windows", {"window": 3, "hidden": 3}) for word in ("gru 5", "lstm 5", SPIKING[4])),
        ("gru 5", "bp", {"window": 3}),
    ],
)
def test_replicas_are_single_runs_and_the_backends_agree(word, rule, options, backend):
    """Adam's updates are counted by windows; nothing may be allocated in a recorded step."""
    settings = {"optimizer": "adam", "lr": 0.01, "eps": 1e-3, "clip": 0.5}
    make = partial(run_of, word, rule, options, **settings)
    replicas_are_single_runs(make, backend, (0, 4), rtol=1e-8, atol=1e-10)


def test_a_window_of_all_steps_is_a_step_without_windows():
    for optimizer in ("sgd", "adam"):
        found, plain = (run_of("lstm 5", "bp", {"window": n}, optimizer=optimizer) for n in (7, 0))
        for one in (found, plain):
            one.step()
            one.step()
        close(values(found.net), values(plain.net), 1e-12)


@pytest.mark.slow
def test_synthetic_gradients_solve_what_truncation_does_not():
    """13 steps from symbol to recall through windows of 4: behind 700 steps below 1 % of the symbols of new sequences
    are wrong with synthetic gradients, above 5 % without, mean over 3 seeds."""
    error = {}
    for rule, options in (("bp", {}), ("dni_windows", {"rate": 50.0})):
        options["window"] = 4
        config = gpufa.Config(
            data="copy", layers=("input 5x16", "recurrent 64 all"), rule=rule, rule_options=options, epochs=1,
            batch_size=32, optimizer="adam", lr=3e-4, clip=1.0, init=("uniform", "orthogonal", "uniform"),
            seeds=(0, 1, 2), backend="numpy", probe_samples=8, out=None,
        )  # fmt: skip
        error[rule] = np.mean(gpufa.train(config).summary["test_error"])
    assert error["dni_windows"] < 1
    assert error["bp"] > 5


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (
            lambda: run_of("gru 5", "bp", {"window": 3}, AT_THE_END, layers=("input 4x7", "gru 5")),
            r"window = 3 takes so many steps in time at once, with an error at each, and outputs are \(3,\) of inputs",
        ),
        (lambda: run_of("gru 5", "bp", {"window": 3}, adversarial=0.1), "in time at once: leave --adversarial out"),
        (
            lambda: run_of("", "dni_windows", layers=("input 4x7", "lif 5 all, lowpass 6")),
            "rule 'dni_windows' predicts what arrives at the states of recurrent layers, and 'lowpass 6' of blo",
        ),
        (
            lambda: run_of("gru 5", "bp", {"window": 3}, calibrate=1),
            "steps of rule 'bp' take windows of time; leave --cal",
        ),
        (lambda: run_of("gru 5", "eprop", calibrate=1), "leave --calibrate out, or set rule.by=history"),
        (
            lambda: run_of("gru 5", "bp", {"window": 3}, layers=("input 4x7", "gru 5 all, layer norm")),
            "window = 3 takes so many steps in time at once, and block 1, 'gru 5 all, layer norm', has weights for",
        ),
        *(
            (
                lambda words=words: run_of("gru 5", "bp", {"window": 3}, layers=("input 4x7", words)),
                f"window = 3 takes .* '{layer}' of block 1 makes of a step what it makes of others beside it; leave it",
            )
            for words, layer in (
                ("conv1d 4 3 tanh, gru 5 all", "conv1d 4 3"),
                ("gru 5 all, batch norm", "batch norm"),
                ("turn, turn, gru 5 all", "turn"),
                ("as tokens, positions sinusoidal, gru 4 all", "positions sinusoidal"),
                ("as tokens, attention 2 causal, gru 4 all", "attention 2 causal"),
            )
        ),
        (
            lambda: run_of("gru 5", "bp", {"window": -3}),
            "steps of a window -3 can't be used; set rule.window to a whole",
        ),
    ],
)
def test_what_cannot_be_is_refused_in_one_sentence(make, sentence):
    with pytest.raises(gpufa.InvalidValue, match=sentence):
        make()
