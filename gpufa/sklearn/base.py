"""What classifier and regressor share: training, going on, and the outputs of all nets."""

import copy
from collections.abc import Mapping
from dataclasses import replace
from threading import Lock
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted, validate_data

from ..basics.errors import InvalidValue, warn
from ..checkpoints.starting import start_from
from ..data.samples.data import Data, host_array, inputs
from ..data.samples.weights import checked
from ..functions.schedules import schedule
from ..network import Network
from ..rules import Rule, make_rule
from ..runs.onward import go_on, left_by, start_of
from ..runs.run import bar, begun, run_through
from ..training.settings.config import Config
from ..training.trainer import Trainer
from .names import told_in_parameters
from .parameters import Parameters
from .settings import PREPARED, check_one_pass, check_prepared, config_of, plateau_of

NEW_NET = "train it anew, with warm_start=False or by fit"
ONE_AT_A_TIME = Lock()  # a net's passes share their buffers, and scikit-learn's callers may come in threads
NEVER = 2**62  # steps between two measurements of the angles that partial_fit does not wait for


class Going(NamedTuple):
    """What partial_fit goes on with in the same process, and the settings and shape of targets it was made for."""

    trainer: Trainer
    asked: tuple[Config, type[Rule], dict[str, Any], tuple[int, ...]]


class FeedbackNet(Parameters, BaseEstimator):
    """An estimator whose nets, one for each seed, are gpufa's.

    Once fitted it has `network_`, a gpufa.Network; `seeds_`; `history_`, a gpufa History of the last fit;
    `loss_curve_`, the training loss of each epoch, `loss_`, its last; `n_iter_`, the epochs trained; `n_outputs_`;
    `n_features_in_`, and of tables `feature_names_in_`; with early_stopping `validation_scores_` and
    `best_validation_score_`, else None. Of several seeds these are means.
    """

    network_: Network
    loss_curve_: list[float]
    _going: Going | None = None
    _left: dict[str, NDArray]
    _prepared: Mapping[str, Any] = {}

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "network_")

    def _forget(self) -> None:
        """Leave no nets behind a fit that fails, whose classes and columns would be others'."""
        if hasattr(self, "network_") and not self.warm_start:
            del self.network_

    def _inputs(self, X: Any, gaps: bool, **checks: Any) -> Any:
        """X, with NaN where `gaps` may be, and y where it is handed over, looked at by scikit-learn; bytes stay
        bytes."""
        finite = "allow-nan" if gaps else True
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

    def _train(self, data: Data, class_weights: Any) -> Self:
        """Train to the end, from the last weights where there is a warm start."""
        before = getattr(self, "network_", None) if self.warm_start else None
        plateau = plateau_of(self)
        with told_in_parameters():
            rule, config = self._asked(data, class_weights, before)
            trainer = _trainer(config, data, rule, before)
            trainer.callbacks += [*bar(bool(self.verbose)), plateau]
            run_through(trainer, data)
        losses: Any = trainer.history.epochs["loss"] if len(trainer.history.epochs) else ()
        self._left, self._going, self.loss_curve_ = left_by(trainer), None, _means(losses)
        self.n_iter_ = int(trainer.progress.epochs.max())
        self.validation_scores_ = _means(plateau.scores) if self.early_stopping else None
        self.best_validation_score_ = max(self.validation_scores_) if self.validation_scores_ else None
        return self._fitted(trainer, before)

    def _train_once(self, data: Data, class_weights: Any) -> Self:
        """Train once over the samples, with weights and optimizer as the last call has left them."""
        before = getattr(self, "network_", None)
        with told_in_parameters():
            rule, config = self._asked(data, class_weights, before)
            check_one_pass(self, config, schedule(config.schedule, config.parts).has_length)
            asked = config, type(rule), rule.options, data.y_train.shape[1:]
            if before and self._going and self._going.asked == asked:
                self._going.trainer.feed(data)
            else:
                self._going = Going(self._trainer_once(config, data, rule, before), asked)
            trainer = self._going.trainer
            trainer.run()
        losses = [] if before is None else self.loss_curve_
        self.loss_curve_, self.n_iter_ = [*losses, *_means([trainer.history.epochs.last["loss"]])], 1
        self.validation_scores_ = self.best_validation_score_ = None
        return self._fitted(trainer, before)

    def _asked(self, data: Data, class_weights: Any, before: Network | None) -> tuple[Rule, Config]:
        """The rule and the settings that the parameters ask for."""
        if before:
            check_prepared(self, self._prepared, before)
        options = self.rule_options if isinstance(self.rule, str | type) else None
        rule = make_rule(copy.deepcopy(self.rule), options)
        return rule, config_of(self, data, rule, class_weights, before)

    def _trainer_once(self, config: Config, data: Data, rule: Rule, before: Network | None) -> Trainer:
        """What trains for an epoch, and can be fed then."""
        left = None if before is None else left_by(self._going.trainer) if self._going else self._left
        epochs = 1 + (0 if left is None else int(left["epoch"]))
        once = replace(config, epochs=epochs, probe_every=config.probe_every or NEVER)
        trainer = _trainer(once, data, rule, before)
        if left is not None:
            go_on(trainer, left)
        elif config.start:
            start_from(config.start, trainer.net)
        return trainer

    def _fitted(self, trainer: Trainer, before: Network | None) -> Self:
        """What there is to see once fitted."""
        self._sound = _sound(trainer.net)
        if before is None:
            self._prepared = {name: getattr(self, name) for name in PREPARED}
        self.network_, self.history_, self.seeds_ = trainer.net, trainer.history, trainer.net.seeds
        self.n_outputs_, self.loss_ = trainer.net.sizes.outputs, (self.loss_curve_ or [float("nan")])[-1]
        return self

    def __getstate__(self) -> dict[str, Any]:
        """What a trainer goes on with, in place of a trainer."""
        state = dict(super().__getstate__())
        if going := state.get("_going"):
            state |= {"_going": None, "_left": left_by(going.trainer)}
        return state

    def _outputs(self, X: Any) -> NDArray[np.float64]:
        """What each net says of raw X, (R, samples, outputs), of nets whose weights are finite. Raises InvalidValue
        where that is no number, which no class could be told by."""
        check_is_fitted(self)
        net = self.network_
        x = self._inputs(X, gaps=net.filling is not None, reset=False)
        with ONE_AT_A_TIME:
            found = np.asarray(net.predict(x), np.float64)
        found = (found[None] if net.single else found)[self._sound]
        for _, row, _ in np.argwhere(~np.isfinite(found))[:1]:
            raise InvalidValue(f"row {row} of X (counted from 0) is so far out that the net's outputs are not finite")
        return found

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = self.missing is not None
        return tags


def _trainer(config: Config, data: Data, rule: Rule, before: Network | None) -> Trainer:
    """What trains: a new net, or one that begins with the weights of the net `before`."""
    if before is None:
        return Trainer(config, data, rule, (), *begun(config))
    trainer = Trainer(config, data, rule, (), before.scaling, before.target_scaling, before.filling)
    start_of(trainer, before, NEW_NET)
    return trainer


def _sound(net: Network) -> NDArray[np.bool_]:
    """Which nets have finite weights, (R,). Raises InvalidValue where none has; tells where some have not."""
    with net.backend.working():
        sound: NDArray[np.bool_] = net.backend.to_host(net.finite())
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
