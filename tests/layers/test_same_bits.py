"""Nets of dense layers are the same to the bit whether sizes and settings say them, or words."""

import warnings

import numpy as np
import pytest
from rulelab import DATA, OWN, host, samples, trainer

import gpufa
from gpufa.checkpoints import hdf5
from gpufa.rules import RULES

BATCH = samples([6, 3])
PAIRS = {
    "plain": ({"hidden": (7, 5)}, ("dense 7 tanh", "dense 5 tanh")),
    "mixed": ({"hidden": (7, 5), "activation": ("relu", "gelu")}, ("dense 7 relu", "dense 5 gelu")),
    "linear": ({"hidden": ()}, ()),
    "residual": ({"hidden": (7, 7, 5, 5), "residual": True},
                 ("dense 7 tanh", "residual(dense 7 tanh)", "dense 5 tanh", "residual(dense 5 tanh)")),
    "dropout": ({"hidden": (7, 5), "dropout": 0.25}, ("dense 7 tanh, dropout 0.25", "dense 5 tanh, dropout 0.25")),
    "both": ({"hidden": (7, 7), "residual": True, "dropout": 0.5},
             ("dense 7 tanh, dropout 0.5", "residual(dense 7 tanh, dropout 0.5)")),
}  # fmt: skip


def arrays(net):
    """All that a net is made of, on the host."""
    return {name: host(net, a) for group in (net.parameters, net.feedback) for name, a in group.items()}


def equal(a, b):
    assert list(a) == list(b)
    for name in a:
        np.testing.assert_array_equal(a[name], b[name], err_msg=name)


def both(case, **settings):
    """Trainers by sizes and by words; None where the rule takes no such net."""
    by_sizes, words = PAIRS[case]
    given = {"activation": "tanh", "dtype": "float32", "seeds": (0, 1)} | settings
    try:
        sized = trainer(**given | by_sizes)
    except gpufa.InvalidValue:
        return None
    del given["activation"]
    return sized, trainer(**given, hidden=None, layers=words)


@pytest.mark.parametrize("case", PAIRS)
@pytest.mark.parametrize("rule", RULES)
def test_runs_are_the_same_to_the_bit(rule, case, backend):
    settings = {"rule": rule, "backend": backend, **{k: v for k, v in OWN.get(rule, {}).items() if k != "hidden"}}
    if (pair := both(case, **settings)) is None:
        with pytest.raises(gpufa.InvalidValue):
            trainer(hidden=None, layers=PAIRS[case][1], **settings)
        return
    one, other = pair
    assert not other.net.sizes.layered
    equal(arrays(one.net), arrays(other.net))
    for _ in range(5 if backend == "numpy" else 2):
        one.step()
        other.step()
    equal(arrays(one.net), arrays(other.net))
    assert one.progress.step == other.progress.step
    if rule in ("bp", "fa", "dfa", "kp"):
        equal(one.net.gradients(*BATCH), other.net.gradients(*BATCH))
        equal(one.net.signals(*BATCH), other.net.signals(*BATCH))
        equal(one.net.alignment(*BATCH), other.net.alignment(*BATCH))
        np.testing.assert_array_equal(one.net.predict(BATCH[0]), other.net.predict(BATCH[0]))


@pytest.mark.slow
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize("case", PAIRS)
def test_whole_runs_leave_the_same_checkpoint_arrays(case, optimizer, tmp_path):
    by_sizes, words = PAIRS[case]
    common = {"epochs": 2, "seeds": (0, 1), "backend": "numpy", "optimizer": optimizer, "batch_size": 8}
    found = []
    for name, own in (("sizes", {"activation": ("tanh",)} | by_sizes), ("words", {"layers": words})):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", gpufa.GpufaWarning)
            gpufa.train(gpufa.Config(**common, **own, out=str(tmp_path / name)), DATA)
        found.append(hdf5.read(tmp_path / name / "checkpoint.h5"))
    (one, about), (other, about_words) = found
    seconds = "history/epochs/seconds"
    equal({n: a for n, a in one.items() if n != seconds}, {n: a for n, a in other.items() if n != seconds})
    if "dropout" in by_sizes:  # which no net has that is given by sizes
        assert about_words["network"].pop("layers") == ["input 6", *words, "dense 3"]
    assert about["network"] == about_words["network"]


@pytest.mark.parametrize("feedback", ["stored", "procedural"])
def test_feedback_by_words_may_be_procedural(feedback, backend):
    sized = gpufa.Network([6, 7, 5, 3], activation="tanh", feedback=feedback, backend=backend)
    words = gpufa.Network(["input 6", *PAIRS["plain"][1], "dense 3"], feedback=feedback, backend=backend)
    equal(arrays(sized), arrays(words))
    equal(sized.gradients(*BATCH), words.gradients(*BATCH))


@pytest.mark.parametrize("rule", ["bp", "fa", "dfa", "kp", "shallow"])
def test_initialisers_draw_a_layered_nets_matrices_in_order(rule):
    sized = gpufa.Network([6, 7, 5, 4, 3], activation="tanh", rule=rule, init="uniform", backend="numpy")
    words = ["input 6", "dense 7 tanh, dense 5 tanh", "dense 4 tanh", "dense 3"]
    layered = gpufa.Network(words, rule=rule, init="uniform", backend="numpy")
    pairs = (("W1", "W1.1"), ("W2", "W1.2"), ("W3", "W2"), ("W4", "W3"))
    for a, b in pairs:
        np.testing.assert_array_equal(sized.parameters[a], layered.parameters[b])
    np.testing.assert_allclose(sized.predict(BATCH[0]), layered.predict(BATCH[0]), rtol=1e-5)


def test_the_first_block_may_have_a_skip_connection(backend):
    words = ["input 6", "residual(dense 6 tanh)", "dense 3"]
    for seeds in (None, (0, 1)):
        net = gpufa.Network(words, rule="bp", init="uniform", dtype="float64", seeds=seeds, backend=backend)
        x, y = BATCH
        W = {name: host(net, p) if seeds is None else host(net, p)[1] for name, p in net.parameters.items()}
        h = x + np.tanh(x @ W["W1"].T + W["b1"])
        a = np.exp(h @ W["W2"].T + W["b2"])
        found = net.predict(x) if seeds is None else net.predict(x)[1]
        np.testing.assert_allclose(found, a / a.sum(1, keepdims=True), rtol=1e-12)
        e = a / a.sum(1, keepdims=True) - np.eye(3)[y]
        slope = e @ W["W2"] * (1 - (h - x) ** 2)
        g = net.gradients(x, y)["W1"]
        np.testing.assert_allclose(g if seeds is None else g[1], slope.T @ x / 9, rtol=1e-11, atol=1e-15)
