"""FeedbackRegressor: amounts, by the mean of the nets' outputs."""

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import RegressorMixin

from ..data.samples.about import REGRESSION, About
from ..data.samples.data import Data
from ..data.samples.scaling import float_type
from .base import FeedbackNet


class FeedbackRegressor(RegressorMixin, FeedbackNet):
    """A regressor trained without backpropagation: a gpufa net of any rule, or an ensemble of them, one a seed.

    Its parameters are Config's, under MLPRegressor's names and with its meaning where it has such a one; what is left
    None is the rule's own default, and the loss squared_error. y may have several columns.
    """

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train on X, (samples, features), and the targets y, (samples,) or (samples, outputs). Weights, (samples,),
        count against each other. Raises InvalidValue, a ValueError, for what can't be used; writes nothing to disk
        unless `out` is given."""
        self._forget()
        X, y = self._inputs(X, self.missing is not None, y=y, multi_output=True, y_numeric=True)
        return self._train(self._measured(X, y, sample_weight), self.class_weight)._shaped_as(y)

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Go once over these samples, from where fit or partial_fit has left weights and optimizer. Weights count
        against each other within a call."""
        first = not hasattr(self, "network_")
        X, y = self._inputs(X, self.missing is not None, y=y, multi_output=True, y_numeric=True, reset=first)
        return self._train_once(self._measured(X, y, sample_weight), self.class_weight)._shaped_as(y)

    def predict(self, X: Any) -> NDArray[np.float64]:
        """The mean of the nets' outputs, shaped as y was."""
        return np.asarray(self.predict_seeds(X).mean(axis=0))

    def predict_seeds(self, X: Any) -> NDArray[np.float64]:
        """The outputs of each net, (seeds, samples), or (seeds, samples, outputs): `.std(axis=0)` is how far they are
        apart."""
        outputs = self._outputs(X)
        return outputs[:, :, 0] if self._flat else outputs

    def _measured(self, X: NDArray, y: NDArray, sample_weight: Any) -> Data:
        """Samples with their targets, and what the columns are called."""
        data = self._data(X, y.reshape(len(y), -1).astype(float_type(y)), sample_weight)
        columns = tuple(getattr(self, "feature_names_in_", ())) or None
        return data.told(About(REGRESSION, (), None, columns, columns))

    def _shaped_as(self, y: NDArray) -> Self:
        """The same, whose predictions have the axes of the targets that it has been trained on."""
        self._flat = y.ndim == 1
        return self

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
