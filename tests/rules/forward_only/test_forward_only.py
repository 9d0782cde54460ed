"""Rules of forward passes alone in training: steps, resumed runs, the digits, and what is refused."""

import numpy as np
import pytest
from rulelab import DATA, close, trainer, values

import gpufa
from gpufa.rules import FORWARD_ONLY, make_rule

NAMES = [rule.name for rule in FORWARD_ONLY]
TRAINED = [
    ("pepita", {}, {}),
    ("pepita", {"scale": 1.0}, {"activation": "gelu", "dropout": 0.3, "input_dropout": 0.2}),
    ("forward_forward", {}, {}),
    ("forward_forward", {"label": "append", "counted": "upper"}, {"activation": "gelu", "dropout": 0.3}),
]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(("rule", "options", "settings"), TRAINED)
def test_steps_are_the_same_on_either_backend_and_for_each_replica(rule, options, settings, backend):
    settings = {"rule": rule, "rule_options": options, "input_dropout": 0.1} | settings

    def trained(backend, seeds):
        made = trainer(backend=backend, seeds=seeds, batch_size=4, **settings)
        for _ in range(10):
            made.step()
        return values(made.net)

    theirs = trained("numpy", (0, 1))
    if backend == "cupy":
        close(trained("cupy", (0, 1)), theirs, 1e-10)
        return
    for r, seed in enumerate((0, 1)):
        close(trained("numpy", (seed,)), {name: p[r] for name, p in theirs.items()}, 1e-10)
    assert np.abs(theirs["W1"][0] - theirs["W1"][1]).max() > 1e-3


@pytest.mark.parametrize(("rule", "options", "settings"), TRAINED)
def test_resume_is_bit_for_bit(rule, options, settings, tmp_path):
    config = {"rule": rule, "rule_options": options, "hidden": (5, 4), "batch_size": 8, "backend": "numpy", **settings}
    whole = gpufa.train(gpufa.Config(**config, epochs=2), DATA)
    gpufa.train(gpufa.Config(**config, epochs=1, out=str(tmp_path / "run")), DATA)
    resumed = gpufa.resume(tmp_path / "run", epochs=2, data=DATA)
    close(values(resumed.network), values(whole.network), 0)
    for table in ("epochs", "probes"):
        ours, theirs = getattr(resumed.history, table), getattr(whole.history, table)
        for name in set(ours.names) - {"seconds"}:
            np.testing.assert_array_equal(ours[name], theirs[name], err_msg=name)


@pytest.mark.parametrize("rule", NAMES)
def test_narrow_nets_learn_the_digits(rule):
    """Where hidden layers stay as they are the error is above 20 %."""
    run = gpufa.train(gpufa.Config(rule=rule, hidden=(16, 16), seeds=(0,), backend="numpy", probe_samples=8))
    assert run.history.epochs["test_error"][-1, 0] < 8


@pytest.mark.parametrize(
    ("rule", "options", "text"),
    [
        ("pepita", {"scale": 0.0}, "feedback scale 0.0 can't be used; set rule.scale to a number above 0"),
        ("pepita", {"law": "even"}, "unknown feedback law 'even'"),
        ("pepita", {"density": 2.0}, "feedback density 2.0 can't be used"),
        (
            "forward_forward",
            {"label": "middle"},
            "unknown place for the label 'middle'; set rule.label to one of replace, append",
        ),
        ("forward_forward", {"strength": -1.0}, "strength of the label -1.0 can't be used; set rule.strength to a"),
        ("forward_forward", {"threshold": 0}, "threshold of a unit 0 can't be used; set rule.threshold to a number"),
        (
            "forward_forward",
            {"counted": "first"},
            "unknown choice of layers 'first'; set rule.counted to one of all, upper",
        ),
    ],
)
def test_bad_options_are_refused(rule, options, text):
    with pytest.raises(gpufa.InvalidValue) as error:
        make_rule(rule, options)
    assert text in str(error.value)
