"""The estimators inside scikit-learn's own tools, and in its tables, pickles and processes."""

import pickle
import subprocess
import sys

import numpy as np
import pytest

pytest.importorskip("sklearn")

import joblib
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_digits
from sklearn.ensemble import BaggingClassifier
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.multioutput import MultiOutputClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearnlab import NEVER, classifier, clouds, regressor, waves, weights
from traininglab import same

import gpufa
from gpufa.rules import RULES
from gpufa.sklearn import FeedbackClassifier

X, Y = clouds(90, apart=4)
LEARNS = {"max_iter": 30, "learning_rate_init": 0.02}


def test_a_grid_of_rules_in_a_pipeline_in_two_processes():
    pipe = make_pipeline(StandardScaler(), classifier(**LEARNS))
    grid = {"feedbackclassifier__rule": ["bp", "dfa"], "feedbackclassifier__hidden_layer_sizes": [4, (8, 8)]}
    search = GridSearchCV(pipe, grid, cv=2, n_jobs=2).fit(100 * X, Y)
    assert search.best_score_ > 0.9
    alone = GridSearchCV(pipe, grid, cv=2).fit(100 * X, Y)
    np.testing.assert_array_equal(search.cv_results_["mean_test_score"], alone.cv_results_["mean_test_score"])
    assert search.predict(100 * X).shape == (90,)


def test_cross_validation_and_meta_estimators():
    model = classifier(**LEARNS)
    assert cross_val_score(model, X, Y, cv=3, n_jobs=2).mean() > 0.9
    assert cross_val_score(regressor(max_iter=200, hidden_layer_sizes=32), *waves(200), cv=2).mean() > 0.7
    for method in ("sigmoid", "isotonic"):
        calibrated = CalibratedClassifierCV(model, cv=2, method=method).fit(X, Y)
        np.testing.assert_allclose(calibrated.predict_proba(X).sum(axis=1), 1)
    assert CalibratedClassifierCV(classifier(loss="squared_error"), cv=2).fit(X, Y).predict_proba(X).shape == (90, 3)
    assert BaggingClassifier(classifier(seeds=2, **LEARNS), n_estimators=2, random_state=0).fit(X, Y).score(X, Y) > 0.5
    assert MultiOutputClassifier(model).fit(X, np.stack([Y, Y == 1], axis=1)).predict(X).shape == (90, 2)


def test_a_clone_has_the_parameters_and_nothing_of_the_fit():
    rule = RULES["dfa"](law="ternary")
    model = FeedbackClassifier(5, rule=rule, seeds=2, max_iter=2, class_weight={0: 2, 1: 1, 2: 1}).fit(X, Y)
    copy = clone(model)
    assert not hasattr(copy, "network_")
    assert copy.get_params()["class_weight"] == {0: 2, 1: 1, 2: 1}
    assert copy.rule.law == "ternary"
    assert vars(rule) == vars(RULES["dfa"](law="ternary"))
    assert copy.set_params(max_iter=3).fit(X, Y).n_iter_ == 3
    assert repr(copy).startswith("FeedbackClassifier(")


def test_pickles_and_joblib(tmp_path):
    for model in (classifier(dropout=0.2).fit(X, Y), classifier(seeds=3, rule="weight_mirror").fit(X, Y)):
        joblib.dump(model, tmp_path / "model.joblib")
        for copy in (pickle.loads(pickle.dumps(model)), joblib.load(tmp_path / "model.joblib", mmap_mode="r")):
            same(weights(copy), weights(model))
            np.testing.assert_array_equal(copy.predict_proba(X), model.predict_proba(X))
            assert copy.loss_curve_ == model.loss_curve_


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_tables_and_the_names_of_their_columns(library):
    frames, names = pytest.importorskip(library), [f"c{j}" for j in range(6)]
    table = frames.DataFrame({name: X[:, j] for j, name in enumerate(names)})
    if not hasattr(StandardScaler().fit(table), "feature_names_in_"):
        pytest.skip(f"this scikit-learn finds no names in tables of this {library}")
    model = classifier(**LEARNS).fit(table, frames.Series(Y.astype(str)))
    assert list(model.feature_names_in_) == names
    assert model.network_.about.features == tuple(names)
    np.testing.assert_array_equal(model.predict(table), classifier(**LEARNS).fit(X, Y.astype(str)).predict(X))
    with pytest.raises(ValueError, match="feature names"):
        model.predict(table[names[::-1]])
    with pytest.warns(UserWarning, match="feature names"):
        model.predict(X)


def test_what_x_may_be():
    bytes_of = (X * 20 + 100).clip(0, 255).astype(np.uint8)
    with pytest.warns(gpufa.GpufaWarning, match="whole numbers from 0 to 255"):
        model = classifier(**LEARNS).fit(bytes_of, Y)
    assert model.network_.dtype == "float32"
    assert classifier().fit(X.astype(np.float32), Y).network_.dtype == "float32"
    assert classifier().fit(X, Y).network_.dtype == "float64"
    assert classifier(dtype="float32").fit(X, Y).network_.dtype == "float32"
    sparse = pytest.importorskip("scipy.sparse")
    with pytest.raises(TypeError, match="Sparse data was passed"):
        classifier().fit(sparse.csr_matrix(X), Y)
    holes = np.where(np.random.default_rng(0).random(X.shape) < 0.1, np.nan, X)
    with pytest.raises(ValueError, match="NaN"):
        classifier().fit(holes, Y)
    filled = classifier(missing="mean", **LEARNS).fit(holes, Y)
    assert filled.score(holes, Y) > 0.8
    assert filled.partial_fit(holes, Y).predict(holes).shape == (90,)


@pytest.mark.by_kind
@pytest.mark.parametrize("rule", RULES)
def test_every_rule_learns(rule):
    """On the defaults of its own."""
    x, y = load_digits(return_X_y=True)
    model = FeedbackClassifier(64, rule=rule, scaling="unit", random_state=0, backend="numpy").fit(x[:400], y[:400])
    assert model.score(x[:400], y[:400]) > 0.8


@pytest.mark.gpu
def test_on_a_gpu(tmp_path):
    """The same as on the CPU but for rounding, and goes to a pickle and back."""
    settings = {"seeds": 2, "dtype": "float64", "solver": "adam", "alpha": 1e-3}
    here, there = (classifier(backend=name, **settings).fit(X, Y) for name in ("numpy", "cupy"))
    assert there.network_.backend.name == "cupy"
    np.testing.assert_allclose(there.predict_proba(X), here.predict_proba(X), rtol=1e-6)
    copy = pickle.loads(pickle.dumps(there))
    np.testing.assert_array_equal(copy.predict_proba(X), there.predict_proba(X))
    for model in (here, copy):
        model.partial_fit(X, Y, sample_weight=np.arange(len(X)))
    np.testing.assert_allclose(copy.predict_proba(X), here.predict_proba(X), rtol=1e-6)
    losses = [model.set_params(warm_start=True).fit(X, Y).loss_ for model in (here, copy)]
    assert losses[0] == pytest.approx(losses[1])


def test_gpufa_does_not_import_it_and_says_what_is_missing():
    def told(program):
        return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)

    alone = "import gpufa, sys; sys.exit('sklearn' in sys.modules or 'gpufa.sklearn' in sys.modules)"
    assert told(alone).returncode == 0
    hidden = "import sys; sys.modules['sklearn'] = None; import gpufa.sklearn"
    error = told(hidden).stderr.strip().splitlines()[-1]
    assert error == (
        "ModuleNotFoundError: gpufa.sklearn needs scikit-learn, which is not installed: pip install 'gpufa[sklearn]'"
    )


def test_a_bar_is_shown_where_it_is_asked_for(capsys):
    classifier(verbose=True, n_iter_no_change=NEVER).fit(X, Y)
    assert "loss" in capsys.readouterr().err
    classifier().fit(X, Y)
    assert capsys.readouterr().err == ""
