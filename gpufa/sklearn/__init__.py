"""gpufa's nets as scikit-learn has its estimators: FeedbackClassifier and FeedbackRegressor."""

from importlib.util import find_spec

if find_spec("sklearn") is None:
    raise ModuleNotFoundError("gpufa.sklearn needs scikit-learn, which is not installed: pip install 'gpufa[sklearn]'")

from .classifier import FeedbackClassifier
from .regressor import FeedbackRegressor

__all__ = ["FeedbackClassifier", "FeedbackRegressor"]
