"""Warnings with the right remedy, at the user's own line, and memory told as memory."""

import warnings

import numpy as np
import pytest
from partlab import CUBE

import gpufa
from gpufa.basics.errors import in_bytes, warn
from gpufa.commands.main import main
from gpufa.measure.health import complaints, guessing, unfilled, unscaled, unscaled_targets
from gpufa.measure.history import History

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(300, 4)), np.repeat([0, 1, 2], 100)
SPREAD = X + 3 * np.eye(4)[Y]


@pytest.mark.parametrize(
    ("x", "told"),
    [
        (X, ""),
        (X * 20, ""),
        (X * [1, 1, 1, 100], "the inputs have a wide range: "),
        (X + np.array([0, 0, 2000, 0]), " in column 2 (counted from 0); nets learn better with --scaling standard"),
        (
            RNG.integers(0, 256, (300, 4)),
            "whole numbers from 0 to 255, as bytes are; nets learn better",
        ),
        (RNG.integers(0, 256, (300, 4)).astype(np.uint8), "with --scaling unit"),
        (RNG.integers(0, 257, (300, 4)) * 2, "with --scaling standard"),
        (X * [0.01, 1, 1, 1], "the inputs have uneven ranges: "),
        (X * [0.1, 1, 1, 1], ""),
        (X * [0.01, 0.01, 1, 1], "the inputs have uneven ranges: "),
        (X[:, :2] * [0.01, 1], "nets learn better with --scaling standard"),
        (np.zeros((5, 3)), ""),
        (np.c_[X, np.zeros(300)], ""),
    ],
)
def test_inputs_that_nets_dont_learn_from_well(x, told):
    found = str(unscaled(x))
    assert (told in found) if told else found == ""


def test_data_sets_of_the_house_are_told_nothing():
    assert str(unscaled(gpufa.load_data("digits").x_train)) == ""


@pytest.mark.parametrize(
    ("y", "told"),
    [
        (X, ""),
        (X + 4, ""),
        (X * 25, ""),
        (X * 0.05, ""),
        (X * [1, 1, 1, 0] + [0, 0, 0, 40], ""),
        (X + np.array([0, 0, 7, 0]), "the targets are far from mean 0 and deviation 1: "),
        (X * [1, 40, 1, 1], " in output 1 (counted from 0); nets learn better with --target-scaling standard"),
        (X * 0.02, "nets learn better with --target-scaling standard"),
        (1e5 + 3e3 * X, "deviation 1: 9.99e+04 ± "),
        (1e200 * X, "± inf in output 0"),
    ],
)
def test_targets_that_nets_dont_learn_well(y, told):
    found = str(unscaled_targets(y))
    assert (told in found) if told else found == ""


@pytest.mark.parametrize("name", ["linear_teacher", "identity_teacher", "tanh_teacher"])
def test_teachers_are_told_nothing(name):
    assert str(unscaled_targets(gpufa.load_data(name).y_train)) == ""


def test_raw_targets_are_told_with_what_helps():
    y = 1e5 + 3e3 * X[:, :2]
    first, *others = sentences(settings(epochs=40, activation="relu", rule="bp", lr=0.1), (X, y, X, y))
    assert first.startswith("the targets are far from mean 0")
    assert all("--target-scaling standard" in other for other in others if "has lost" in other)
    assert sentences(settings(epochs=4, target_scaling="standard"), (X, y, X, y)) == []
    both = sentences(settings(epochs=1), (1e3 * X, y, X, y))[:2]
    assert [one.split()[-2] for one in both] == ["--scaling", "--target-scaling"]


def settings(**kw):
    return gpufa.Config(**{"hidden": (16, 16), "epochs": 2, "seeds": (0,), "backend": "numpy"} | kw)


def sentences(config, data):
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        gpufa.train(config, data)
    assert {one.filename for one in told} <= {__file__}
    return [str(one.message) for one in told]


def test_raw_columns_are_told_before_the_training_and_scaled_ones_are_not():
    raw = SPREAD * [1, 1e3, 1e5, 1] + [40, 1e4, 0, 0]
    first = sentences(settings(epochs=40), (raw, Y, raw, Y))[0]
    assert first.startswith("the inputs have a wide range: ")
    assert first.endswith("nets learn better with --scaling standard")
    assert sentences(settings(epochs=40, scaling="standard"), (raw, Y, raw, Y)) == []


def test_it_is_told_once_and_not_again_in_a_resumed_run(tmp_path):
    data = X * 1e3, Y, X, Y
    with pytest.warns(gpufa.GpufaWarning, match="--scaling standard"):
        gpufa.train(settings(out=str(tmp_path), epochs=1), data)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        gpufa.resume(tmp_path, 2, data)
    assert not [one for one in told if "wide range" in str(one.message)]


def test_zero_weights_that_a_rule_can_not_leave():
    told = sentences(settings(rule="bp", init="zeros", epochs=5, hidden=(8,)), (SPREAD, Y, SPREAD, Y))
    assert "W1 of seed 0 is zero still: rule 'bp' can't leave zero weights here; add --init uniform" in told
    assert sentences(settings(rule="dfa", init="zeros", epochs=40), (SPREAD, Y, SPREAD, Y)) == []


def test_a_loss_that_has_not_moved_from_chance_is_told():
    square = RNG.uniform(-1, 1, (400, 2))
    square = np.r_[square, -square]
    signs = (np.prod(square, axis=1) > 0).astype(int)
    (told,) = sentences(settings(rule="dfa", epochs=20), (square, signs, square, signs))
    assert told.startswith("seed 0 has learnt nothing: its training loss is 0.69")
    assert told.endswith("2 classes, as frequent as they are, is 0.6928; add --init uniform")


THREE = guessing(np.array([0, 1, 2, 2, 1, 0]))


def history(step, *losses):
    found = History((3, 4))
    for loss in losses:
        found.epochs.append({"epoch": 1, "step": step, "loss": np.array(loss, float)})
    return found


def test_what_is_told_of_a_loss_at_chance():
    net = gpufa.Network([4, 3, 3], rule="bp", backend="numpy")
    assert complaints(net.rule, history(99, [1.1, 1.1]), net, "", THREE) == []
    assert complaints(net.rule, history(100, [1.08, 0.3]), net, "", THREE) == []
    (told,) = complaints(net.rule, history(100, [0.3, 1.0986]), net, "", THREE)
    assert told.startswith(
        "seed 4 has learnt nothing: its training loss is 1.099, and that of guessing among 3 classes"
    )
    assert told.endswith("try another --lr, or --scaling standard")
    (told,) = complaints(net.rule, history(100, [0.3, 7]), net, "add --scaling unit", THREE)
    assert told.endswith("is 1.099; add --scaling unit")
    assert complaints(net.rule, history(100, [7, 7]), gpufa.Network([4, 3], loss="squared_error"), "", THREE) == []


def test_the_loss_of_guessing():
    assert pytest.approx(np.log(3)) == THREE
    assert guessing(np.array([0, 2, 2, 2])) == pytest.approx(-0.25 * np.log(0.25) - 0.75 * np.log(0.75))
    assert guessing(np.array([1, 1])) == 0
    assert guessing(np.array([[0.5], [1.5]])) == np.inf


def test_the_command_line_names_the_flag(tmp_path):
    file = tmp_path / "raw.csv"
    rows = np.c_[np.round(SPREAD * 1e3), Y]
    file.write_text("a,b,c,d,label\n" + "".join(",".join(f"{v:g}" for v in row) + "\n" for row in rows))
    args = ["--epochs", "1", "--seeds", "0", "--hidden", "4", "--quiet", "--backend", "numpy"]
    with pytest.warns(gpufa.GpufaWarning, match="nets learn better with --scaling standard"):
        assert main(["train", "--data", str(file), *args, "--out", str(tmp_path / "run")]) == 0


def outer():
    warn("from here")


def test_a_warning_is_at_the_users_line_from_whatever_depth():
    with pytest.warns(gpufa.GpufaWarning, match="from here") as told:
        outer()
    assert told[0].filename == __file__
    assert told[0].lineno == outer.__code__.co_firstlineno + 1
    with pytest.warns(gpufa.GpufaWarning, match="diverged|has no CUDA|wide range") as told:
        line = gpufa.train(settings(epochs=1), (X * 1e3, Y, X, Y)) and told_at()
    assert {(one.filename, one.lineno) for one in told} == {(__file__, line)}


def told_at():
    import sys

    return sys._getframe(1).f_lineno


def test_memory_is_told_as_memory_with_what_it_would_take():
    sizes = [10**7, 10**7, 10]
    with pytest.raises(gpufa.GpufaError, match=r"a net of 10000000-10000000-10 float32 with 2 seeds takes 800 TB for"):
        gpufa.Network(sizes, rule="dfa", seeds=[0, 1], backend="numpy")
    with pytest.raises(MemoryError, match=r"there is no memory for an array .*, 800 TB; reduce --batch-size"):
        gpufa.Network(sizes, rule="dfa", seeds=[0, 1], backend="numpy", activation=CUBE)


@pytest.mark.parametrize(
    ("amount", "words"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (1000, "1 kB"),
        (120 * 10**9, "120 GB"),
        (1.5e12, "1.5 TB"),
        (10**19, "10,000 PB"),
    ],
)
def test_amounts_of_memory_in_words(amount, words):
    assert in_bytes(amount) == words


DRAW = np.random.default_rng(3)


def filled(token, length=8, samples=160):
    """Tokens 1 to 8 of samples of 3 to 8, behind which stands that one."""
    x, lengths = DRAW.integers(1, 9, (samples, length)), DRAW.integers(3, 9, samples)
    x[np.arange(length) >= lengths[:, None]] = token
    return x


FULL = DRAW.integers(0, 9, (160, 8))


@pytest.mark.parametrize(
    ("x", "token"),
    [
        (filled(0), 0),
        (filled(0).astype(np.float32), 0),
        (filled(9), 9),
        (FULL, None),
        (DRAW.integers(0, 2, (160, 8)), None),
        (np.c_[FULL + 1, np.zeros(160, int)], None),  # an end of each
        (np.c_[FULL + 1, np.zeros((160, 2), int)], None),
        (np.zeros((5, 3), int), None),
    ],
)
def test_tokens_that_seem_to_fill_up_are_told(x, token):
    said = str(unfilled(x, "tokens 8 of 10"))
    if token is None:
        assert not said
    else:
        ended = f"{(x[:, -1] == token).sum()} of 160 samples that were looked at, up to 5 times over"
        assert said.startswith(f"token {token} ends {ended}, and stands before no other")
        assert said.endswith(f'; nets learn better with --layers "tokens 8 of 10 pad {token}"')


@pytest.mark.parametrize(("pad", "told"), [("", 1), (" pad 0", 0)])
def test_a_run_tells_of_tokens_that_seem_to_fill_up(pad, told):
    data = gpufa.Data(x := filled(0), np.arange(160) % 3, x[:20], np.arange(20) % 3)
    words = (f"tokens 8 of 9{pad}", "embed 4", "mean, dense 3 tanh")
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        gpufa.train(gpufa.Config(layers=words, epochs=1, seeds=(0,), out=None, backend="numpy"), data=data)
    assert sum("as if it filled up" in str(one.message) for one in found) == told
