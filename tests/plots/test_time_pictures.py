"""Pictures of nets that go through time show what the layers do, and what traces and signals are."""

import numpy as np
import pytest
from celllab import slopes, states
from spikelab import ALIF_WORDS, LIF_WORDS

import gpufa
from gpufa import plots

DATA = "delayed_xor:cue=2,delay=2,train_samples=40,test_samples=12"
GAPS = {"lags": "no layer goes through time", "spikes": "no layer spikes", "traces": "no layer spikes"}


def subject_of(tmp_path, word, rule="eprop", options=None):
    settings = {
        "layers": ("input 3x10", word),
        "rule": rule,
        "rule_options": options or {},
        "epochs": 1,
        "seeds": (0, 1),
    }
    settings |= {
        "init": "normal",
        "backend": "numpy",
        "dtype": "float64",
        "out": str(tmp_path / "run"),
        "batch_size": 20,
    }
    gpufa.train(gpufa.Config(data=DATA, **settings))
    return plots.read(tmp_path / "run", shown=(3,))


def own(subject):
    """The layer, its weights, and the sample that is drawn."""
    net = subject.network
    layer = next(layer for layer, _ in net.sizes.walk(1))
    theta = {name: np.array(net.parameters[f"{name}1"][0]) for name in ("W", "U", "b")}
    return layer, theta, np.asarray(subject.samples[subject.examples[3]], float).reshape(3, 10)


@pytest.mark.parametrize("word", [LIF_WORDS[1], ALIF_WORDS[0]])
def test_spikes_are_those_of_the_sample(word, tmp_path):
    subject = subject_of(tmp_path, f"{word} all, lowpass 5 last")
    upper, lower = plots.draw("spikes", subject).axes
    layer, theta, x = own(subject)
    z = np.array(states(layer, theta, x)).real
    assert z.any()
    drawn = upper.collections[0].get_offsets()
    steps, units = np.nonzero(z)
    np.testing.assert_allclose(drawn, np.column_stack([1.0 + steps, units]))
    most = np.argsort(-z.sum(axis=0), kind="stable")[:3]
    assert [line.get_label() for line in lower.lines if "unit" in line.get_label()] == [f"unit {i}" for i in most]
    dots = [line for line in lower.lines if line.get_marker() == "."]
    for unit, line in zip(most, dots, strict=True):
        np.testing.assert_allclose(line.get_xdata(), 1 + np.flatnonzero(z[:, unit]))
        assert (line.get_ydata() > 1).all()


@pytest.mark.parametrize("word", [LIF_WORDS[2], ALIF_WORDS[0], ALIF_WORDS[1]])
def test_traces_are_how_spikes_hang_on_weights(word, tmp_path):
    subject = subject_of(tmp_path, f"{word} all, lowpass 5 last")
    layer, theta, x = own(subject)
    found = slopes(layer, theta, x, detached=True)
    for axes, name in zip(plots.draw("traces", subject).axes, "WU", strict=True):
        assert len(axes.lines) == 4
        for line in axes.lines:
            row, column = map(int, line.get_label().split("{")[1].split("}")[0].split(","))
            expected = [slope[row, row, column] for slope in found[name]]
            np.testing.assert_allclose(line.get_ydata(), expected, rtol=1e-10, atol=1e-12)


def test_lags_are_angles_with_backprop_step_by_step(tmp_path):
    word = f"{LIF_WORDS[1]} all, lowpass 5 last"
    (line, *_) = plots.draw("lags", subject_of(tmp_path / "bp", word, "bp")).axes[0].lines
    np.testing.assert_array_equal(line.get_xdata(), np.arange(10)[::-1])
    np.testing.assert_allclose(np.nan_to_num(line.get_ydata()), 0, atol=1e-4)
    (line, *_) = plots.draw("lags", subject_of(tmp_path / "e", word, "eprop", {"signal": "symmetric"})).axes[0].lines
    angles = line.get_ydata()
    np.testing.assert_allclose(angles[-1], 0, atol=1e-4)
    assert np.nanmax(angles[:5]) > 5


def test_other_nets_have_none_of_them(tmp_path):
    gpufa.train(gpufa.Config(hidden=(5,), epochs=1, backend="numpy", out=str(tmp_path / "run")))
    subject = plots.read(tmp_path / "run")
    for name, sentence in GAPS.items():
        with pytest.raises(gpufa.InvalidValue, match=sentence):
            plots.draw(name, subject)
    evolved = subject_of(tmp_path / "evolved", "gru 4", "evolution", {"pairs": 2})
    with pytest.raises(gpufa.InvalidValue, match="rule 'evolution' has no error signals to hold against backprop's"):
        plots.draw("lags", evolved)
