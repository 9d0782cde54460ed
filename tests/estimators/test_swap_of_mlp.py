"""MLPClassifier's names have its meaning: under backprop, from the same weights, it is the same training."""

import numpy as np
import pytest

pytest.importorskip("sklearn")

from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearnlab import NEVER, clouds, waves

from gpufa import InvalidValue
from gpufa.sklearn import FeedbackClassifier, FeedbackRegressor

X, Y = clouds(90)
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
FULL = {"hidden_layer_sizes": (9,), "activation": "tanh", "batch_size": 90, "random_state": 0}
SOLVERS = [
    {"solver": "sgd", "learning_rate_init": 0.1, "momentum": 0.0},
    {"solver": "sgd", "learning_rate_init": 0.1},
    {"solver": "sgd", "learning_rate_init": 0.1, "momentum": 0.5, "nesterovs_momentum": False},
    {"solver": "adam", "learning_rate_init": 0.01, "momentum": 0.3, "epsilon": 1e-14},
    {"solver": "adam", "learning_rate_init": 0.01, "beta_1": 0.5, "beta_2": 0.9, "epsilon": 1e-14},
]  # scikit-learn adds epsilon before the correction of the second moment, PyTorch and gpufa behind it


def beside_each_other(theirs, mine, x, y):
    """Both trained from the weights that theirs has after a step."""
    theirs.set_params(max_iter=1, warm_start=True).fit(x, y)
    mine.set_params(max_iter=1, warm_start=True, rule="bp").fit(x, y)
    for k, (w, b) in enumerate(zip(theirs.coefs_, theirs.intercepts_, strict=True), start=1):
        mine.network_.parameters[f"W{k}"][...] = w.T
        mine.network_.parameters[f"b{k}"][...] = b
    return theirs, mine


@pytest.mark.parametrize("solver", SOLVERS, ids=str)
@pytest.mark.parametrize("alpha", [0.0, 0.5])
def test_a_regressor_learns_what_mlpregressor_learns(solver, alpha):
    x, y = waves(90, outputs=2)
    call = FULL | solver | {"alpha": alpha, "n_iter_no_change": NEVER}
    theirs, mine = beside_each_other(MLPRegressor(**call), FeedbackRegressor(**call), x, y)
    for model in (theirs, mine):
        model.set_params(max_iter=20).fit(x, y)
    np.testing.assert_allclose(mine.predict(x), theirs.predict(x), rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("solver", SOLVERS[:4:3], ids=str)
def test_a_classifier_learns_and_stops_as_mlpclassifier(solver):
    """Of three classes, whose outputs are softmax there too; by the plateau of the training loss."""
    call = FULL | solver | {"alpha": 0.0, "tol": 5e-3, "n_iter_no_change": 3}
    theirs, mine = beside_each_other(MLPClassifier(**call), FeedbackClassifier(**call), X, Y)
    for model in (theirs, mine):
        model.set_params(max_iter=500).fit(X, Y)
    assert theirs.n_iter_ < 500
    assert mine.n_iter_ == theirs.n_iter_
    np.testing.assert_allclose(mine.predict_proba(X), theirs.predict_proba(X), rtol=1e-6)
    np.testing.assert_allclose(mine.loss_curve_, theirs.loss_curve_[-mine.n_iter_ :], rtol=1e-6)
    np.testing.assert_array_equal(mine.predict(X), theirs.predict(X))


CALL = {
    **{"hidden_layer_sizes": (64, 32), "activation": "relu", "solver": "adam", "alpha": 1e-4, "batch_size": "auto"},
    **{"learning_rate": "constant", "learning_rate_init": 1e-3, "power_t": 0.5, "max_iter": 300, "shuffle": True},
    **{"random_state": 1, "tol": 1e-4, "verbose": False, "warm_start": False, "momentum": 0.9},
    **{"nesterovs_momentum": True, "early_stopping": True, "validation_fraction": 0.1, "beta_1": 0.9},
    **{"beta_2": 0.999, "epsilon": 1e-8, "n_iter_no_change": 10, "max_fun": 15000},
}


@pytest.mark.parametrize(
    ("mlp", "own", "data"),
    [
        (MLPClassifier, FeedbackClassifier, lambda: clouds(300, apart=4)),
        (MLPRegressor, FeedbackRegressor, lambda: waves(300)),
    ],
)
def test_swapping_the_import_works(mlp, own, data):
    """A call with every parameter there is, and a short one."""
    x, y = data()
    for call in (CALL, {"hidden_layer_sizes": (50,), "max_iter": 200, "random_state": 0}):
        theirs, mine = mlp(**call).fit(x, y), own(**call).fit(x, y)
        assert min(mine.score(x, y), theirs.score(x, y)) > 0.9
    assert own((50,), "relu", max_iter=2).fit(x, y).network_.sizes.units[1:-1] == (50,)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"solver": "lbfgs"}, "solver = 'lbfgs' goes by a loss's own gradient"),
        ({"solver": "rmsprop"}, "unknown solver 'rmsprop'; choose one of adam, sgd; others are given as optimizer"),
        ({"learning_rate": "adaptive"}, "learning_rate = 'adaptive' is not among gpufa's courses of the rate"),
        ({"learning_rate": 0.1}, "give learning_rate_init a number"),
        ({"shuffle": False}, "shuffle = False can't be done"),
        ({"solver": "adam", "optimizer": "sgd"}, "solver = 'adam' and optimizer = 'sgd' both say what is done"),
        ({"alpha": 0.1, "weight_decay": 0.1}, "alpha = 0.1 and weight_decay = 0.1 both say"),
        ({"alpha": 0.1, "decay": "shift"}, "alpha = 0.1 and decay = 'shift' both say"),
        ({"early_stopping": True, "validation": 0.2}, "early_stopping = True and validation = 0.2 both say"),
        ({"beta_1": 0.5}, "beta_1 = 0.5 goes with solver 'adam' or 'sgd'"),
        ({"nesterovs_momentum": False}, "nesterovs_momentum = False goes with solver"),
        ({"tol": -1}, "tol can't be -1; give a number of at least 0"),
        ({"alpha": -1}, "alpha can't be -1; give a number of at least 0"),
        ({"n_iter_no_change": 0}, "n_iter_no_change can't be 0; give at least 1, or math.inf"),
        (
            {"early_stopping": True, "validation_fraction": 1.0},
            "validation_fraction can't be 1.0; give a number",
        ),
        ({"early_stopping": True, "validation_fraction": 0.0}, "validation_fraction can't be 0.0"),
        ({"batch_size": "all"}, "unknown batch_size 'all'; choose one of auto, or a number of samples"),
        ({"missing": "drop"}, "missing = 'drop' leaves rows out"),
        ({"learning_rate_init": -1.0}, "learning_rate_init = -1.0 can't be used.*change learning_rate_init$"),
        ({"max_iter": -1}, "max_iter = -1 can't be used"),
        ({"patience": 3}, "patience needs validation samples; add validation 0.1"),
        ({"seeds": 0}, "seeds can't be 0; give a whole number of at least 1"),
        ({"seeds": (1, 2), "random_state": 0}, "random_state = 0 and seeds = .1, 2. both say the seeds"),
        ({"rule": "nobody"}, "unknown rule 'nobody'"),
    ],
    ids=str,
)
def test_what_would_mean_something_else_is_refused(given, told):
    with pytest.raises(InvalidValue, match=told):
        FeedbackClassifier(**given).fit(X, Y)


def test_rule_options_are_of_a_rule_by_name():
    from gpufa.rules import RULES

    model = FeedbackClassifier(rule="dfa", rule_options={"law": "ternary"}, max_iter=1).fit(X, Y)
    assert model.network_.rule.law == "ternary"
    with pytest.raises(InvalidValue, match=r"rule_options = .* are of a rule that is given by its name"):
        FeedbackClassifier(rule=RULES["dfa"](), rule_options={"law": "ternary"}).fit(X, Y)
