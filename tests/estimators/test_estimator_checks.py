"""scikit-learn's own checks of an estimator, whole."""

import pytest

pytest.importorskip("sklearn")

from sklearn.utils.estimator_checks import parametrize_with_checks

from gpufa.sklearn import FeedbackClassifier, FeedbackRegressor


@parametrize_with_checks([FeedbackClassifier(backend="numpy")])
def test_scikit_learns_own_checks(estimator, check, monkeypatch):
    monkeypatch.setenv("SCIPY_ARRAY_API", "1")  # else one is skipped
    check(estimator)


@pytest.mark.slow
@parametrize_with_checks(
    [
        FeedbackRegressor(backend="numpy"),
        FeedbackClassifier(8, rule="bp", seeds=2, missing="mean", backend="numpy"),
    ]
)
def test_of_others_too(estimator, check, monkeypatch):
    monkeypatch.setenv("SCIPY_ARRAY_API", "1")  # else one is skipped
    check(estimator)
