"""What tests of the estimators are made of: small data, and short fits of small nets."""

import numpy as np

from gpufa.sklearn import FeedbackClassifier, FeedbackRegressor

NEVER = float("inf")  # n_iter_no_change: fits of a given length
SMALL = {"hidden_layer_sizes": (8, 7), "max_iter": 4, "n_iter_no_change": NEVER, "random_state": 0, "backend": "numpy"}


def clouds(samples=120, features=6, classes=3, apart=2.0):
    """Gaussian clouds, a little apart, and their numbers."""
    rng = np.random.default_rng(0)
    y = np.arange(samples) % classes
    return rng.normal(size=(samples, features)) + np.eye(classes, features)[y] * apart, y


def waves(samples=120, outputs=1):
    """A sum of sines of three inputs, in so many columns."""
    x = np.random.default_rng(0).uniform(-2, 2, size=(samples, 3))
    y = np.sin(x) @ np.array([[1.0, 0.2], [0.5, -1.0], [-0.3, 0.4]])[:, :outputs]
    return x, y[:, 0] if outputs == 1 else y


def classifier(**kw):
    return FeedbackClassifier(**(SMALL | kw))


def regressor(**kw):
    return FeedbackRegressor(**(SMALL | kw))


def weights(model):
    return {name: np.array(w) for name, w in model.network_.parameters.items()}
