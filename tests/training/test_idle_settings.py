"""Settings that change nothing are told, and refused where training would be something else than they say."""

import warnings

import numpy as np
import pytest
from rulelab import DATA, host

import gpufa

FEW = {"rule": "dfa", "hidden": (5,), "epochs": 1, "batch_size": 20, "backend": "numpy", "dtype": "float64"}


def told(**settings):
    """The warnings of a short run."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        gpufa.train(gpufa.Config(**FEW | settings), DATA)
    return [str(one.message) for one in caught]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (
            {"optimizer": "sgd", "momentum": 0.9},
            "momentum = 0.9 changes nothing, as optimizer 'sgd' has none; take one of",
        ),
        ({"optimizer": "rmsprop", "momentum": 0.9}, "momentum, nesterov, adam, adamw, or leave --momentum out"),
        ({"optimizer": "sgd", "beta2": 0.9}, "take one of rmsprop, adam, adamw, or leave --beta2 out"),
        ({"optimizer": "momentum", "eps": 0.1}, "eps = 0.1 changes nothing"),
        (
            {"schedule_every": 2},
            "schedule_every = 2 changes nothing under the schedule 'constant'; add --schedule step",
        ),
        ({"schedule": "cosine", "schedule_gamma": 0.2}, "schedule_gamma = 0.2 changes nothing"),
        ({"adversarial_mix": "beside"}, "adversarial_mix = 'beside' changes nothing without --adversarial"),
        ({"decay": "shift"}, "decay = 'shift' changes nothing, as weight decay is 0"),
        ({"decay": "decoupled"}, "decay = 'decoupled' changes nothing, as weight decay is 0"),
        ({"optimizer": "adamw", "decay": "l2"}, "decay = 'l2' changes nothing, as weight decay is 0"),
        (
            {"rule": "dtp", "hidden": (5, 5), "layer_lr": (0.1, 0.1, 0.1)},
            "layer_lr has the rates of layers, and what rule 'dtp' trains beside",
        ),
    ],
)
def test_what_changes_nothing_is_told(settings, said):
    assert said in " ".join(told(**settings))


@pytest.mark.parametrize(
    "settings",
    [
        {},
        *({"optimizer": name} for name in ("sgd", "momentum", "nesterov", "rmsprop", "adam", "adamw")),
        {"optimizer": "rmsprop", "eps": 0.1, "beta2": 0.9},
        {"schedule": "step", "schedule_every": 2, "schedule_gamma": 0.3},
        {"adversarial": 0.1, "adversarial_mix": "beside"},
        {"decay": "shift", "weight_decay": 0.01},
        {"optimizer": "adamw", "decay": "decoupled"},
        {"rule": "kp", "layer_lr": (0.1, 0.1)},
    ],
)
def test_what_counts_is_not(settings):
    assert not [one for one in told(**settings) if "changes nothing" in one or "layer_lr" in one]


@pytest.mark.parametrize(
    "settings",
    [
        {"activation": "sign", "rule_options": {"inject": "pre_activation"}},
        {"hidden": None, "layers": ["poisson 6, lif 5 threshold 0.2"]},
    ],
)
def test_samples_are_perturbed_by_a_gradient_or_not_at_all(settings):
    with pytest.raises(
        gpufa.InvalidValue, match=r"no gradient gets to the inputs through block 1.*leave --adversarial out"
    ):
        told(adversarial=0.3, **settings)


def test_an_error_of_its_own_needs_a_derivative():
    """The last hidden layer's would be zero under units without one, and nothing would be learned there."""
    options = {"inject": "pre_activation", "last": "weights"}
    with pytest.raises(gpufa.InvalidValue, match=r"derivative zero, .* never train it; leave --set rule.last out$"):
        told(activation="sign", rule_options=options)
    told(activation="tanh", rule_options=options)


@pytest.mark.parametrize(
    "settings",
    [
        {"decay": "shift", "weight_decay": 0.01},
        {"optimizer": "noisy"},
        pytest.param({"decay": "shift", "weight_decay": 0.01, "backend": "cupy"}, marks=pytest.mark.gpu),
    ],
)
@pytest.mark.parametrize("rule", ["bp", "eprop"])
def test_a_spiking_unit_never_hears_of_itself(rule, settings):
    def noisy(p, g, states, t, c):
        p -= c.lr * (g + 0.1)

    if "optimizer" in settings:
        settings = {"optimizer": gpufa.Optimizer("noisy", (), noisy, lr=0.01)}
    rng = np.random.default_rng(0)
    y = np.arange(20) % 2
    x = rng.normal(size=(20, 21))
    few = FEW | {"rule": rule, "hidden": None, "layers": ["input 3x7", "lif 4"], "batch_size": 8, "seeds": (0, 1)}
    net = gpufa.train(gpufa.Config(**few | settings), (x, y)).network
    U = host(net, net.parameters["U1"])
    np.testing.assert_array_equal(np.diagonal(U, axis1=1, axis2=2), 0)
    assert (U != 0).sum() == 2 * 12
