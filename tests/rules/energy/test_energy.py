"""Every rule of energies in training: single nets' steps, resumed runs, and what is refused."""

import numpy as np
import pytest
from energylab import SIZES
from rulelab import DATA, close, network, samples, trainer, values

import gpufa
from gpufa.rules import make_rule
from gpufa.rules.energy.chl import CHL
from gpufa.rules.energy.phases import ContrastiveRule
from gpufa.rules.energy.predictive_coding import PredictiveCoding


@pytest.mark.parametrize("rule", [CHL(), PredictiveCoding(), PredictiveCoding(exact=True)], ids=lambda rule: rule.name)
def test_without_hidden_layers_nothing_but_the_error_is_left(rule):
    batch = samples([5, 3])
    close(network([5, 3], rule).gradients(*batch), network([5, 3], "bp").gradients(*batch), 1e-13)


TRAINED = [
    ("eqprop", {}, {}),
    ("eqprop", {"variant": "random_sign"}, {"dropout": 0.2, "input_dropout": 0.2}),
    ("eqprop", {"variant": "one_sided", "output": "identity"}, {"activation": ("tanh", "logistic"), "optimizer": "adam",
                                                                 "lr": 3e-3}),
    ("chl", {}, {}),
    ("chl", {"gamma": 0.1}, {"dropout": 0.2, "activation": "gelu", "loss": "binary_cross_entropy"}),
    ("predictive_coding", {}, {"activation": ("gelu", "hard_logistic"), "dropout": 0.2}),
    ("predictive_coding", {"exact": True}, {"loss": "squared_error"}),
]  # fmt: skip


def after(steps, **settings):
    made = trainer(batch_size=4, **settings)
    for _ in range(steps):
        made.step()
    return values(made.net)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(("rule", "options", "settings"), TRAINED, ids=str)
def test_steps_are_those_of_single_nets(rule, options, settings, backend):
    settings = {"rule": rule, "rule_options": options, **settings}
    together = after(10, seeds=(0, 1), **settings)
    if backend == "cupy":
        close(after(10, seeds=(0, 1), backend="cupy", **settings), together)
        return
    for r in (0, 1):
        close(after(10, seeds=(r,), **settings), {name: p[r] for name, p in together.items()})


@pytest.mark.parametrize(("rule", "options", "settings"), TRAINED[1::2], ids=str)
def test_resume_is_bit_for_bit(tmp_path, rule, options, settings):
    def config(**kw):
        return gpufa.Config(
            **{"rule": rule, "rule_options": options, "hidden": (5, 4), "batch_size": 16, "seeds": (0, 1)}
            | {"backend": "numpy", **settings, **kw}
        )

    whole = gpufa.train(config(epochs=2), DATA)
    gpufa.train(config(epochs=1, out=str(tmp_path)), DATA)
    resumed = gpufa.resume(tmp_path, epochs=2, data=DATA)
    for name, p in whole.network.parameters.items():
        np.testing.assert_array_equal(resumed.network.parameters[name], p)
    for table in ("epochs", "probes"):
        ours, theirs = getattr(resumed.history, table), getattr(whole.history, table)
        for name in set(theirs.names) - {"seconds"}:
            np.testing.assert_array_equal(ours[name], theirs[name], err_msg=name)


@pytest.mark.parametrize(
    ("rule", "options", "text"),
    [
        ("eqprop", {"variant": "two"}, "unknown variant 'two'; set rule.variant to one of one_sided, random_sign, sym"),
        ("eqprop", {"beta": 0}, "nudge 0 can't be used; set rule.beta to a number above 0"),
        ("eqprop", {"step": 1.5}, "step of the states 1.5 can't be used; set rule.step to a number above 0 and at"),
        ("eqprop", {"free_steps": 0}, "number of free steps 0 can't be used; set rule.free_steps to a whole number"),
        ("eqprop", {"nudged_steps": 0}, "number of nudged steps 0 can't be used; set rule.nudged_steps to a whole"),
        ("eqprop", {"output": "relu"}, "unknown activation of the output 'relu'; set rule.output to one of hard_log"),
        ("chl", {"gamma": 0}, "strength of the feedback 0 can't be used; set rule.gamma to a number above 1e-06 and"),
        ("chl", {"free_steps": 0}, "number of free steps 0 can't be used; set rule.free_steps to a whole number"),
        ("chl", {"clamped_steps": 0}, "number of clamped steps 0 can't be used; set rule.clamped_steps to a whole"),
        ("predictive_coding", {"step": 0}, "step of inference 0 can't be used; set rule.step to a number above 0"),
        ("predictive_coding", {"steps": 0}, "number of steps 0 can't be used; set rule.steps to a whole number"),
        ("predictive_coding", {"exact": 1}, "exact = 1 can't be used; set rule.exact to true or false"),
    ],
)
def test_options_that_do_not_fit_are_refused(rule, options, text):
    with pytest.raises(gpufa.InvalidValue) as error:
        make_rule(rule, options)
    assert text in str(error.value)


def test_a_contrastive_rule_must_say_what_it_contrasts():
    class Empty(ContrastiveRule):
        def forward(self, net, x):
            self.begin(net, x)
            return net.forward(x)

    with pytest.raises(NotImplementedError, match=r"Empty must define contrast\(net\)"):
        network(SIZES, Empty).gradients(*samples(SIZES))
