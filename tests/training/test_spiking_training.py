"""Spiking nets in training: resumed bit for bit, taken in windows of time, and with an error at each step."""

import dataclasses

import numpy as np
import pytest
from rulelab import values

import gpufa

WORDS = "alif 8 all threshold 0.4 tau 8 tau_a 20 beta 0.2 refractory 2 rate 30 cost 0.2"
SETTINGS = {"data": "delayed_xor:cue=2,delay=2,train_samples=60,test_samples=20", "layers": ("input 3x10", WORDS)}
SETTINGS |= {"optimizer": "adam", "lr": 5e-3, "init": "normal", "batch_size": 10, "epochs": 4, "backend": "numpy"}
LAST = ("input 3x10", f"{WORDS}, lowpass 6 last")
EACH = ("input 40x18", f"{WORDS}, lowpass 6")
EVIDENCE = "evidence:cues=1,cue=40,gap=10,delay=20,recall=20,step=5,train_samples=40,test_samples=10"


class Stop(gpufa.Callback):
    """Asks the run to stop in the middle of an epoch."""

    def on_step(self, trainer):
        trainer.stop_requested |= trainer.progress.step == 9


@pytest.mark.parametrize("layers", [LAST, ("input 3x10", f"delta 0.2, {WORDS}, lowpass 6 last"),
                                    ("input 30", "poisson 10, lif 8 all threshold 0.6, lowpass 6 last")])  # fmt: skip
@pytest.mark.parametrize(
    ("rule", "options"), [("bp", {}), ("eprop", {}), ("eprop", {"signal": "adaptive"}), ("dfa", {})]
)
def test_a_stopped_run_goes_on_bit_for_bit(layers, rule, options, tmp_path):
    config = gpufa.Config(**SETTINGS | {"layers": layers, "rule": rule, "rule_options": options, "seeds": (0, 1)})
    whole = gpufa.train(config)
    cut = gpufa.train(dataclasses.replace(config, out=str(tmp_path / "cut")), callbacks=[Stop()])
    assert cut.interrupted
    resumed = gpufa.resume(tmp_path / "cut")
    for name, p in values(whole.network).items():
        np.testing.assert_array_equal(values(resumed.network)[name], p, err_msg=name)
    U = values(whole.network)["U1"]
    assert not np.diagonal(U, axis1=-2, axis2=-1).any()
    assert np.abs(U).max() > 0.01


@pytest.mark.parametrize(("rule", "most", "seeds"), [("bp", 25, 3), ("eprop", 25, 3), ("dfa", 42, 10)])
def test_an_error_at_each_step_is_learned_from(rule, most, seeds):
    """Whoever guesses ends at 50 %; a seed of dfa between 13 and 50, which the processor's rounding moves."""
    data, more = (
        "evidence:cues=1,cue=40,gap=10,delay=20,recall=20,step=5,train_samples=200,test_samples=50",
        {"epochs": 12, "seeds": range(seeds)},
    )
    run = gpufa.train(gpufa.Config(**SETTINGS | {"data": data, "layers": EACH, "rule": rule, "lr": 0.02} | more))
    assert run.history.epochs["test_error"][-1].mean() < most


@pytest.mark.parametrize("encoder", ["", "delta 0.3, ", "conv1d 5 1, "])
def test_windows_carry_potentials_thresholds_the_readout_and_what_was_told(encoder):
    """With a learning rate of all but zero the loss is that of whole sequences."""
    layers = EACH[0], encoder + EACH[1]
    settings = SETTINGS | {
        "data": EVIDENCE,
        "layers": layers,
        "rule": "bp",
        "optimizer": "sgd",
        "lr": 1e-30,
        "epochs": 1,
    }
    losses = [
        gpufa.train(gpufa.Config(**settings, dtype="float64", rule_options={"window": n})).history.epochs["loss"][-1]
        for n in (0, 7)
    ]
    np.testing.assert_allclose(losses[1], losses[0], rtol=1e-12)
