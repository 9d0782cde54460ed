"""Classes: labels of any kind, weights, going on, and the best weights."""

import pickle

import numpy as np
import pytest

pytest.importorskip("sklearn")

from sklearnlab import NEVER, classifier, clouds, weights
from traininglab import same

import gpufa
from gpufa.data.samples.about import CLASSIFICATION
from gpufa.data.samples.data import Data
from gpufa.training.trainer import Trainer

X, Y = clouds()
NAMES = np.array(["setosa", "a longer name", "iris"])[Y]


def test_it_is_a_run_of_gpufas_own_training():
    """To the bit: the same net, batches and epochs."""
    model = classifier(batch_size=16, dropout=0.25).fit(X, Y)
    config = gpufa.Config(
        hidden=(8, 7), epochs=4, seeds=(0,), batch_size=16, dropout=0.25, dtype="float64", backend="numpy"
    )
    trainer = Trainer(config, Data(X, Y, X[:0], Y[:0]))
    trainer.run()
    same(weights(model), {name: np.array(w) for name, w in trainer.net.parameters.items()})
    assert trainer.net.about.task == CLASSIFICATION
    np.testing.assert_allclose(model.predict_proba(X), trainer.net.predict(X))
    assert model.loss_curve_ == [loss[0] for loss in trainer.history.epochs["loss"]]


@pytest.mark.parametrize("names", [NAMES, NAMES.astype(object), Y + 5, Y == 1, Y * 2.0])
def test_labels_of_any_kind_come_back(names):
    model = classifier(max_iter=60, learning_rate_init=0.02).fit(X, names)
    np.testing.assert_array_equal(model.classes_, np.unique(names))
    assert model.predict(X).dtype == np.unique(names).dtype
    assert model.score(X, names) > 0.85
    assert model.n_features_in_ == 6
    assert model.n_outputs_ == len(model.classes_)


def test_one_class_is_refused():
    with pytest.raises(gpufa.InvalidValue, match="y has one class, 2, only"):
        classifier().fit(X, Y * 0 + 2)


def test_probabilities_sum_to_one_and_logarithms_are_theirs():
    for loss in ("cross_entropy", "binary_cross_entropy"):
        model = classifier(loss=loss).fit(X, Y)
        shares = model.predict_proba(X)
        np.testing.assert_allclose(shares.sum(axis=1), 1, rtol=1e-12)
        np.testing.assert_array_equal(model.predict_log_proba(X), np.log(shares))
        np.testing.assert_array_equal(shares.argmax(axis=1), model.predict(X))
        assert not hasattr(model, "decision_function")


@pytest.mark.parametrize(("rule", "loss"), [("dfa", "squared_error"), ("elm", None)])
def test_outputs_that_are_no_probabilities_decide(rule, loss):
    model = classifier(rule=rule, loss=loss, max_iter=30 if loss else None, learning_rate_init=None)
    for fitted in (model, model.fit(X, Y)):
        assert not hasattr(fitted, "predict_proba")
    assert model.decision_function(X).shape == (120, 3)
    np.testing.assert_array_equal(model.decision_function(X).argmax(axis=1), model.predict(X))
    two = model.fit(X, Y == 1)
    np.testing.assert_array_equal(two.decision_function(X) > 0, two.predict(X))


def test_weights_are_copies_of_samples():
    """In whole batches, as epochs of another number of batches are others."""
    counts = np.random.default_rng(1).integers(0, 4, len(X))
    weighed = classifier(batch_size=1000).fit(X, Y, sample_weight=counts)
    copied = classifier(batch_size=1000).fit(np.repeat(X, counts, axis=0), np.repeat(Y, counts))
    same(weights(weighed), weights(copied), exact=False)


@pytest.mark.parametrize("given", [{0: 3, 2: 0.5}, {0: 3.0, 1: 1.0, 2: 0.5}])
def test_weights_of_classes_are_weights_of_their_samples(given):
    by_class = classifier(class_weight=given).fit(X, Y)
    by_sample = classifier().fit(X, Y, sample_weight=np.array([3, 1, 0.5])[Y])
    same(weights(by_class), weights(by_sample))


def test_balanced_classes_and_those_of_string_labels():
    few = np.r_[0:10, np.flatnonzero(Y != 0)]
    balanced = classifier(class_weight="balanced", batch_size=1000).fit(X[few], NAMES[few])
    counts = {name: 1 / (NAMES[few] == name).sum() for name in np.unique(NAMES)}
    by_name = classifier(class_weight=counts, batch_size=1000).fit(X[few], NAMES[few])
    same(weights(balanced), weights(by_name), exact=False)
    with pytest.raises(ValueError, match="not in class_weight"):
        classifier(class_weight={"nobody": 2}).fit(X, NAMES)


def test_a_rule_that_cannot_weigh_says_so():
    with pytest.raises(gpufa.InvalidValue, match=r"rule 'pepita' does not learn .* leave sample_weights and"):
        classifier(rule="pepita").fit(X, Y, sample_weight=np.ones(len(X)))


@pytest.mark.parametrize("settings", [{"dropout": 0.25, "solver": "adam"}, {"layers": ["dense 8 tanh, batch norm"]}])
def test_passes_of_partial_fit_are_epochs_of_fit(settings):
    """To the bit, and through pickles, which hold the optimizer too."""
    own = settings | ({"hidden_layer_sizes": None} if "layers" in settings else {})
    whole, parts, kept = classifier(**own).fit(X, Y), classifier(**own), classifier(**own)
    for _ in range(4):
        kept.partial_fit(X, Y, classes=[0, 1, 2])
        parts = pickle.loads(pickle.dumps(parts.partial_fit(X, Y, classes=[0, 1, 2])))
    same(weights(whole), weights(kept))
    same(weights(whole), weights(parts))
    assert parts.loss_curve_ == whole.loss_curve_
    assert parts.n_iter_ == 1
    np.testing.assert_array_equal(whole.predict_proba(X), parts.predict_proba(X))


def test_partial_fit_goes_on_from_fit_and_from_parts_without_a_class():
    model = classifier(max_iter=3).fit(X, Y).partial_fit(X, Y)
    same(weights(model), weights(classifier(max_iter=4).fit(X, Y)))
    parts = classifier(scaling="standard").partial_fit(X[Y < 2], Y[Y < 2], classes=[0, 1, 2])
    shift = parts.network_.scaling.shift
    parts.partial_fit(X[Y == 2] + 5, Y[Y == 2])
    assert parts.predict_proba(X).shape == (120, 3)
    np.testing.assert_array_equal(parts.network_.scaling.shift, shift)


def test_partial_fit_goes_by_the_parameters_of_its_time():
    """A new rate from the next call on, with the optimizer's states as they were, in one process or several."""
    made = []
    for through in (lambda model: model, lambda model: pickle.loads(pickle.dumps(model))):
        model = through(classifier().partial_fit(X, Y, classes=[0, 1, 2]))
        before = weights(model)
        model = through(model.set_params(learning_rate_init=1e-9).partial_fit(X[:50], Y[:50]))
        assert abs(weights(model)["W1"] - before["W1"]).max() < 1e-7
        made.append(through(model.set_params(learning_rate_init=None).partial_fit(X[50:], Y[50:])))
    same(weights(made[0]), weights(made[1]))
    with pytest.raises(gpufa.InvalidValue, match="the fitted network has rule"):
        model.set_params(rule="fa").partial_fit(X, Y)


REFUSED = [
    ({}, {}, "partial_fit needs all the classes the first time"),
    ({"class_weight": "balanced"}, {"classes": [0, 1, 2]}, "class_weight = 'balanced' needs all samples"),
    ({"early_stopping": True}, {"classes": [0, 1, 2]}, "early_stopping = True is for fit"),
    ({"out": "run"}, {"classes": [0, 1, 2]}, "out = 'run' is for fit"),
    ({"schedule": "cosine"}, {"classes": [0, 1, 2]}, "schedule = 'cosine' comes to an end"),
    ({}, {"classes": [0, 1]}, "y has the class 2, which is none of the classes"),
]


@pytest.mark.parametrize(("settings", "given", "told"), REFUSED)
def test_what_partial_fit_cannot_do_is_refused(settings, given, told):
    with pytest.raises(gpufa.InvalidValue, match=told):
        classifier(**settings).partial_fit(X, Y, **given)


def test_classes_stay_the_same():
    model = classifier(warm_start=True).fit(X, Y)
    for call in (lambda: model.partial_fit(X, Y, classes=[0, 1]), lambda: model.fit(X[Y < 2], Y[Y < 2])):
        with pytest.raises(gpufa.InvalidValue, match=r"the classes \[0, 1\], but the nets tell \[0, 1, 2\] apart"):
            call()


def test_a_warm_start_begins_with_the_last_weights():
    model = classifier(warm_start=True, solver="sgd", momentum=0.0, batch_size=1000, random_state=None).fit(X, Y)
    seeds = model.seeds_
    model.fit(X, Y)
    assert model.seeds_ == seeds
    anew = classifier(solver="sgd", momentum=0.0, batch_size=1000, max_iter=8, random_state=seeds[0]).fit(X, Y)
    same(weights(model), weights(anew), exact=False)
    with pytest.raises(gpufa.InvalidValue, match=r"the fitted network has sizes .* train it anew, with warm_start"):
        model.set_params(hidden_layer_sizes=9).fit(X, Y)
    assert model.predict(X).shape == (120,)
    cold = classifier().fit(X, Y)
    same(weights(cold), weights(cold.fit(X, Y)))


def test_early_stopping_leaves_the_weights_of_the_best_epoch():
    """Of a net that is taught noise, which later epochs are worse by."""
    noisy = np.where(np.arange(len(Y)) % 3, Y, np.random.default_rng(0).permutation(Y))
    settings = {"early_stopping": True, "validation_fraction": 0.25, "learning_rate_init": 0.05}
    model = classifier(**settings, max_iter=200, n_iter_no_change=10).fit(X, noisy)
    scores = model.validation_scores_
    assert model.best_validation_score_ == max(scores) > scores[-1]
    assert len(scores) == model.n_iter_ < 200
    best = int(np.argmax(scores))
    plain = {"validation": 0.25, "learning_rate_init": 0.05}
    same(weights(model), weights(classifier(**plain, max_iter=best + 1).fit(X, noisy)))
    last = classifier(**settings, keep="last", max_iter=200, n_iter_no_change=10).fit(X, noisy)
    same(weights(last), weights(classifier(**plain, max_iter=model.n_iter_).fit(X, noisy)))


def test_weights_that_are_not_finite_are_told():
    with pytest.raises(gpufa.InvalidValue, match="training made weights that are not finite; lower learning_rate_init"):
        classifier(activation="identity", loss="squared_error", optimizer="sgd", learning_rate_init=1e99).fit(X, Y)


def test_fit_writes_nothing_unless_it_is_told_where(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model = classifier().fit(X, NAMES)
    assert not list(tmp_path.iterdir())
    model.set_params(out="run").fit(X, NAMES)
    assert {path.name for path in (tmp_path / "run").iterdir()} >= {"checkpoint.h5", "config.toml", "history.csv"}
    net = gpufa.load("run")
    np.testing.assert_array_equal(net.predict(X), model.network_.predict(X))
    assert net.about.classes == tuple(np.unique(NAMES))
    with pytest.raises(gpufa.FileProblem, match="holds a run already"):
        model.fit(X, NAMES)


def test_a_start_is_a_checkpoints(tmp_path):
    model = classifier(out=str(tmp_path / "run")).fit(X, Y)
    began = classifier(start=str(tmp_path / "run"), max_iter=0, n_iter_no_change=NEVER).fit(X, Y)
    same(weights(began), weights(model))


def test_classes_that_are_floats_go_by_their_numbers():
    """As in gpufa.train: 1, not 1.0."""
    x, y = clouds()
    model = classifier(max_iter=60).fit(x, y + 1.0)
    assert model.network_.about.classes == ("1", "2", "3")
    assert model.predict(x).dtype == np.float64
    found = model.network_.evaluate(x, np.array(["1", "2", "3"])[y])["error"]
    np.testing.assert_allclose(found, 100 * (1 - model.score(x, y + 1.0)), atol=1e-4)
