"""What a step of training takes of memory against the number of steps in time, counted by what asks for it."""

import numpy as np

import gpufa

SAMPLES, CHANNELS = 16, 2


def step_of(rule, options, steps):
    """Bytes of a step, without the input and what the pass has of it."""
    x = np.zeros((SAMPLES, CHANNELS * steps), np.float32)
    layers = (f"input {CHANNELS}x{steps}", "lstm 5")
    config = gpufa.Config(
        rule=rule, rule_options=options, layers=layers, batch_size=8, seeds=(0,), backend="numpy", epochs=1, out=None
    )
    found = gpufa.memory(config, (x, np.arange(SAMPLES) % 2, x, np.arange(SAMPLES) % 2))
    return found.host["a step"] - 2 * 8 * CHANNELS * steps * 4


def test_traces_take_the_same_for_any_number_of_steps_and_backprop_does_not():
    traces, history, bp = (
        [step_of(rule, {"by": by} if by else {}, steps) for steps in (8, 64)]
        for rule, by in (("eprop", "traces"), ("eprop", "history"), ("bp", ""))
    )
    assert traces[0] == traces[1]
    assert history[1] > 6 * history[0]
    assert bp[1] > 6 * bp[0]
