"""What classifier and regressor share: training, going on, and the outputs of all nets."""

import copy
from dataclasses import replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted, validate_data

from ..basics.errors import InvalidValue, warn
from ..data.samples import Data, host_array, inputs
from ..data.weights import checked
from ..functions.schedules import schedule
from ..network import Network
from ..rules import make_rule
from ..runs.onward import go_on, left_by, start_of
from ..runs.run import bar, begun, run_through
from ..training.trainer import Trainer
from .names import told_in_parameters
from .parameters import Parameters
from .settings import check_one_pass, config_of, plateau_of

NEW_NET = "train it anew, with warm_start=False or by fit"


class FeedbackNet(Parameters, BaseEstimator):
    """An estimator whose nets, one for each seed, are gpufa's.

    Once fitted it has `network_`, a gpufa.Network; `seeds_`; `history_`, a gpufa History of the last fit;
    `loss_curve_`, the training loss of each epoch, `loss_`, its last; `n_iter_`, the epochs trained; `n_outputs_`;
    `n_features_in_`, and of tables `feature_names_in_`; with early_stopping `validation_scores_` and
    `best_validation_score_`, else None. Of several seeds these are means.
    """

    network_: Network
    loss_curve_: list[float]

    def _inputs(self, X: Any, **checks: Any) -> Any:
        """X, and y where it is handed over, looked at by scikit-learn; bytes stay bytes."""
        finite = "allow-nan" if self.missing is not None else True
        return validate_data(self, X, dtype="numeric", ensure_all_finite=finite, **checks)

    def _data(self, X: NDArray, y: NDArray, sample_weight: Any) -> Data:
        """Samples to be trained on, all of them; X and y as `_inputs` gives them."""
        x, weights = inputs(X, "X", gaps=self.missing is not None), None
        if sample_weight is not None:
            if not np.any(host_array(sample_weight, "sample_weight")):
                raise InvalidValue(
                    "every weight of sample_weight is zero, and nothing would be learned; give some above 0"
                )
            weights = checked(sample_weight, len(x), "sample_weight")
        return Data(x, y, x[:0], y[:0]).weighed(weights)

    def _train(self, data: Data, class_weights: Any = None, once: bool = False) -> Self:
        """Train to the end, or `once` over the samples, from where the last call has left."""
        before = getattr(self, "network_", None) if once or self.warm_start else None
        plateau = plateau_of(self)
        with told_in_parameters():
            trainer = self._trainer(data, class_weights, before, once)
            trainer.callbacks += [*bar(bool(self.verbose)), *([] if once else [plateau])]
            run = run_through(trainer, data)
        self._left = left_by(trainer)
        self.network_, self.history_, self.seeds_ = run.network, run.history, run.network.seeds
        self.n_iter_, self.n_outputs_ = int(trainer.progress.epochs.max()), run.network.sizes.outputs
        losses = _means(run.history.epochs["loss"]) if len(run.history.epochs) else []
        self.loss_curve_ = [*(self.loss_curve_ if once and before else []), *losses]
        self.loss_ = self.loss_curve_[-1] if self.loss_curve_ else float("nan")
        self.validation_scores_ = _means(plateau.scores) if self.early_stopping else None
        self.best_validation_score_ = max(self.validation_scores_) if self.validation_scores_ else None
        self._sound = _sound(run.network)
        return self

    def _trainer(self, data: Data, class_weights: Any, before: Network | None, once: bool) -> Trainer:
        """What trains: a new net, or one that goes on from the net `before`."""
        options = self.rule_options if isinstance(self.rule, str | type) else None
        rule = make_rule(copy.deepcopy(self.rule), options)
        config = config_of(self, data, rule, class_weights, before)
        if once:
            check_one_pass(self, config, schedule(config.schedule, config.parts).ends)
            epochs = int(self._left["epoch"]) if before else 0
            config = replace(config, epochs=epochs + 1)
        if before is None:
            return Trainer(config, data, rule, (), *begun(config))
        trainer = Trainer(config, data, rule, (), before.scaling, before.target_scaling, before.filling)
        start_of(trainer, before, NEW_NET)
        if once:
            go_on(trainer, self._left)
        return trainer

    def _outputs(self, X: Any) -> NDArray[np.float64]:
        """What each net says of raw X, (R, samples, outputs), of nets whose weights are finite."""
        check_is_fitted(self)
        net = self.network_
        found = np.asarray(net.predict(self._inputs(X, reset=False)), np.float64)
        return (found[None] if net.single else found)[self._sound]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = self.missing is not None
        return tags


def _sound(net: Network) -> NDArray[np.bool_]:
    """Which nets have finite weights, (R,). Raises InvalidValue where none has; tells where some have not."""
    with net.backend.working():
        sound: NDArray[np.bool_] = net.backend.to_host(net.backend.xp.isfinite(net.arena.flat).all(axis=1))
    remedy = "lower learning_rate_init, or scale X, as scaling='standard' does"
    if not sound.any():
        raise InvalidValue(f"training made weights that are not finite; {remedy}")
    if not sound.all():
        lost = ", ".join(str(seed) for seed, fine in zip(net.seeds, sound, strict=True) if not fine)
        warn(f"the nets of seeds {lost} have weights that are not finite, and are left out of predictions; {remedy}")
    return sound


def _means(rows: Any) -> list[float]:
    """The mean over the seeds that still trained, of each epoch."""
    return [float(np.nanmean(row)) if np.isfinite(row).any() else float("nan") for row in rows]
