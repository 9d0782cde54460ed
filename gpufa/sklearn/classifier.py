"""FeedbackClassifier: classes, by the mean of the nets' probabilities."""

from collections.abc import Callable, Mapping
from typing import Any, Self, TypeVar

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets, unique_labels

from ..basics.arguments import shown
from ..basics.errors import InvalidValue
from ..data.samples.about import CLASSIFICATION, About
from ..data.samples.target import texts_of
from ..data.samples.weights import BALANCED
from ..functions.losses import LOSSES
from ..rules import RULES
from .base import FeedbackNet

Method = TypeVar("Method", bound=Callable[..., Any])
SHARES = {"cross_entropy", "binary_cross_entropy"}  # losses whose outputs are probabilities


def _tells_shares(self: "FeedbackClassifier") -> bool:
    """Whether its outputs are probabilities."""
    if hasattr(self, "network_"):
        return self.network_.output_loss.name in SHARES
    rule = self.rule if isinstance(self.rule, str) else None
    loss = self.loss or (RULES[rule].defaults["loss"] if rule in RULES else "cross_entropy")
    return loss in SHARES or loss not in LOSSES


def with_shares(method: Method) -> Method:
    """A method that there is where outputs are probabilities."""
    return available_if(_tells_shares)(method)


def without_shares(method: Method) -> Method:
    """A method that there is where outputs are something else."""
    return available_if(lambda self: not _tells_shares(self))(method)


class FeedbackClassifier(ClassifierMixin, FeedbackNet):
    """A classifier trained without backpropagation: a gpufa net of any rule, or an ensemble of them, one a seed.

    Its parameters are Config's, under MLPClassifier's names and with its meaning where it has such a one; what is left
    None is the rule's own default. `classes_` are the classes, sorted.
    """

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train on X, (samples, features), and the classes y, (samples,). Weights, (samples,), count against each
        other. Raises InvalidValue, a ValueError, for what can't be used; writes nothing to disk unless `out` is given.
        """
        self._forget()
        X, y = self._inputs(X, self.missing is not None, y=y)
        check_classification_targets(y)
        classes = np.unique(y)
        if len(classes) < 2:
            raise InvalidValue(f"y has one class, {shown(classes.tolist()[0])}, only: nothing can be learned; give two")
        if self.warm_start and hasattr(self, "network_"):
            self._check_same(classes, "y has")
        self.classes_ = classes
        return self._train(self._labelled(X, y, sample_weight), self._class_weights(y))

    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> Self:
        """Go once over these samples, from where fit or partial_fit has left weights and optimizer. `classes`, all that
        there will be, are needed the first time. Weights count against each other within a call."""
        first = not hasattr(self, "network_")
        if first and classes is None:
            raise InvalidValue("partial_fit needs all the classes the first time; hand them in as classes")
        if self.class_weight == BALANCED:
            raise InvalidValue(
                "class_weight = 'balanced' needs all samples, which partial_fit does not see; give weights by class"
            )
        X, y = self._inputs(X, self.missing is not None, y=y, reset=first)
        check_classification_targets(y)
        if first:
            self.classes_ = unique_labels(classes)
        elif classes is not None:
            self._check_same(unique_labels(classes), "partial_fit is given")
        if not (known := np.isin(y, self.classes_)).all():
            raise InvalidValue(
                f"y has the class {shown(y[~known].tolist()[0])}, which is none of the classes of the first call;"
                " hand all of them to that"
            )
        return self._train_once(self._labelled(X, y, sample_weight), self._class_weights(y))

    def predict(self, X: Any) -> NDArray:
        """The class whose output is the largest, (samples,), outputs being means over the nets."""
        shares = self._shares(X) if _tells_shares(self) else self._outputs(X)
        return np.asarray(self.classes_[shares.mean(axis=0).argmax(axis=1)])

    @with_shares
    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """The probability of each class, (samples, classes): the mean over the nets."""
        return np.asarray(self._shares(X).mean(axis=0))

    @with_shares
    def predict_log_proba(self, X: Any) -> NDArray[np.float64]:
        """The logarithms of predict_proba."""
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))

    @with_shares
    def predict_proba_seeds(self, X: Any) -> NDArray[np.float64]:
        """The probabilities by each net, (seeds, samples, classes): `.std(axis=0)` is how far they are apart."""
        return self._shares(X)

    @without_shares
    def decision_function(self, X: Any) -> NDArray[np.float64]:
        """The outputs, means over the nets, where they are no probabilities: (samples, classes), or of two classes the
        second's less the first's, (samples,)."""
        outputs = self._outputs(X).mean(axis=0)
        return np.asarray(outputs[:, 1] - outputs[:, 0] if len(self.classes_) == 2 else outputs)

    def _shares(self, X: Any) -> NDArray[np.float64]:
        """Probabilities by each net, (R, samples, classes): logistic units' are made to sum to 1, and are alike where
        all of them are 0."""
        outputs = self._outputs(X)
        sums = outputs.sum(axis=2, keepdims=True)
        return np.divide(outputs, sums, out=np.full_like(outputs, 1 / outputs.shape[2]), where=sums != 0)

    def _labelled(self, X: NDArray, y: NDArray, sample_weight: Any) -> Any:
        """Samples with the numbers of their classes, and what the classes and columns are called."""
        data = self._data(X, np.searchsorted(self.classes_, y).astype(np.int64), sample_weight)
        columns = tuple(getattr(self, "feature_names_in_", ())) or None
        return data.told(About(CLASSIFICATION, (), tuple(texts_of(self.classes_)), columns, columns))

    def _class_weights(self, y: NDArray) -> Any:
        """class_weight as Config has it; classes that are left out count 1."""
        if not isinstance(self.class_weight, Mapping):
            return self.class_weight
        weights = compute_class_weight(dict(self.class_weight), classes=self.classes_, y=y)
        return dict(zip(texts_of(self.classes_), weights.tolist(), strict=True))

    def _check_same(self, classes: NDArray, who: str) -> None:
        """Raises InvalidValue where these are not the classes that the nets tell apart."""
        if not np.array_equal(classes, self.classes_):
            raise InvalidValue(
                f"{who} the classes {shown(classes.tolist())}, but the nets tell {shown(self.classes_.tolist())} apart;"
                " train new ones, with warm_start=False or by fit"
            )
