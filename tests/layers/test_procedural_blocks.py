"""Feedback that is made as it is used, in nets of any blocks: the same numbers as stored, and nothing of it kept."""

import numpy as np
import pytest
from rulelab import close, host, network, values

import gpufa
from gpufa.backends.cpu.backend import NumpyBackend
from gpufa.backends.operations.keyed import KeyedMatrix
from gpufa.checkpoints import hdf5
from gpufa.rules import RULES, make_rule

WORDS = [
    "input 2x8x6",
    "conv 4 3x3 tanh, pool 2",
    "residual(conv 4 3x2 gelu, conv 4 1x1), mean pool 2x1",
    "dense 24 tanh",
    "residual(dense 24 tanh)",
    "dense 3",
]
draw = np.random.default_rng(3)
X, Y = draw.normal(size=(5, 96)), np.arange(5) % 3
ABLE = [name for name, rule in RULES.items() if rule().needs <= {"derivative", "pull"} and rule.memory == "B"]


@pytest.fixture
def made_as_used(monkeypatch):
    """However small, and some rows at a time, so that stretches begin anywhere."""
    monkeypatch.setattr(NumpyBackend, "keyed_from", 0)
    monkeypatch.setattr(NumpyBackend, "panel", 200)


def pair(rule, backend, words=WORDS, **settings):
    return [network(words, rule, backend=backend, feedback=kind, **settings) for kind in ("stored", "procedural")]


@pytest.mark.usefixtures("made_as_used")
@pytest.mark.parametrize("seeds", [None, (3, 5)])
@pytest.mark.parametrize("rule", ABLE)
def test_made_feedback_is_the_stored(rule, seeds, backend):
    stored, made = pair(rule, backend, seeds=seeds)
    assert {**stored.feedback}.keys() == {**made.feedback}.keys()
    for name, B in stored.feedback.items():
        np.testing.assert_array_equal(host(made, made.feedback[name]), host(stored, B), err_msg=name)
    assert made.fixed.keyed or rule == "topology"  # whose names say from where
    assert not {*made.fixed.stored} & made.fixed.keyed
    assert not made.fixed.checkpointed
    close(made.gradients(X, Y), stored.gradients(X, Y), 1e-13)
    found, expected = made.alignment(X, Y), stored.alignment(X, Y)
    close({"weight": found["weight"]}, {"weight": expected["weight"]}, 1e-10)


@pytest.mark.usefixtures("made_as_used")
@pytest.mark.parametrize(
    "options",
    [
        {"places": "shared"},
        {"places": "repeated"},
        {"rank": 2},
        {"shared": True},
        {"law": "sign"},
        {"law": "normal"},
        {"law": "ternary"},
        {"nonlinearity": "mlp", "width": 70},  # more columns than go through registers
    ],
    ids=str,
)
def test_of_any_structure(options, backend):
    stored, made = pair(make_rule("dfa", options), backend)
    assert made.fixed.keyed == {"B1", "B2", "B3", "B4"}
    for name, B in stored.feedback.items():
        np.testing.assert_array_equal(host(made, made.feedback[name]), host(stored, B), err_msg=name)
    close(made.gradients(X, Y), stored.gradients(X, Y), 1e-13)


@pytest.mark.usefixtures("made_as_used")
def test_kernels_are_drawn_once_and_what_is_sparse_too(backend):
    made = pair("fa", backend)[1]
    assert {*made.fixed.stored} == {"B1.1", "B1.2"}
    assert not pair(make_rule("dfa", {"density": 0.5}), backend)[1].fixed.keyed
    assert "B3" in made.fixed.keyed


def test_on_the_cpu_small_feedback_is_drawn_once(monkeypatch):
    words = ["input 1x8x8", "conv 4 3x3 tanh", "dense 3"]
    size = 4 * 64 * 3 * 8
    for bound, keyed in ((size, {"B1"}), (size + 1, set())):
        monkeypatch.setattr(NumpyBackend, "keyed_from", bound)
        assert network(words, "dfa", feedback="procedural").fixed.keyed == keyed
        assert not network(words, "dfa").fixed.keyed
    monkeypatch.setattr(NumpyBackend, "keyed_from", 2 * size)  # of all seeds together
    assert network(words, "dfa", feedback="procedural", seeds=(0, 1)).fixed.keyed == {"B1"}


def test_dense_nets_with_skip_connections_take_it(made_as_used, backend):
    stored, made = (
        network([6, 5, 5, 5, 3], "dfa", backend=backend, feedback=kind, residual=True)
        for kind in ("stored", "procedural")
    )
    assert made.fixed.keyed == {"B1", "B2", "B3"}
    close(made.gradients(X[:, :6], Y), stored.gradients(X[:, :6], Y), 1e-13)


def test_rows_of_several_matrices_at_once(made_as_used, backend):
    """As a slice of all of them, over the edge of one."""
    stored, made = pair(make_rule("dfa", {"shared": True, "law": "normal"}), backend)
    part = made.fixed.B.stacked[:, 30:60]
    assert isinstance(part, KeyedMatrix)
    np.testing.assert_array_equal(host(made, part.draw()), host(stored, stored.fixed.B.stacked)[:, 30:60])


@pytest.mark.filterwarnings("ignore::gpufa.GpufaWarning")
@pytest.mark.parametrize("keep", ["last", "best"])
def test_a_run_resumes_to_the_bit_without_any_in_its_files(keep, made_as_used, tmp_path):
    def run(out, epochs):
        layers = ("input 1x8x8", "conv 4 3x3 relu, pool 2", "conv 3 3x3 tanh", "dense 5 tanh")
        common = {"layers": layers, "seeds": (0, 1), "samples": 200, "backend": "numpy", "feedback": "procedural"}
        out = str(tmp_path / out)
        return gpufa.train(gpufa.Config(**common, epochs=epochs, keep=keep, validation=0.2, out=out))

    whole = run("whole", 2)
    run("part", 1)
    resumed = gpufa.resume(tmp_path / "part", epochs=2)
    arrays, about = hdf5.read(tmp_path / "whole" / "checkpoint.h5")
    assert not [name for name in arrays if name.startswith("feedback/")]
    assert about["network"]["feedback"] == "procedural"
    loaded = gpufa.load(tmp_path / "whole", backend="numpy")
    for name, p in values(whole.network).items():
        np.testing.assert_array_equal(values(resumed.network)[name], p, err_msg=name)
        np.testing.assert_array_equal(values(loaded)[name], p, err_msg=name)
    np.testing.assert_array_equal(loaded.feedback["B1"], whole.network.feedback["B1"])


def test_no_more_than_one_matrix_is_drawn_at_a_time(made_as_used):
    net = network(WORDS, "dfa", feedback="procedural")
    drawn = net.fixed.drawn()
    assert isinstance(net.fixed.B[1], KeyedMatrix)
    assert drawn[0] is None
    np.testing.assert_array_equal(drawn[2][0], net.feedback["B2"])
    assert len(drawn) == 5
