"""Parameters made the settings of a run, and its stop rule."""

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

import numpy as np
from sklearn.utils import check_random_state

from ..basics.arguments import is_number, one_of, shown, whole
from ..basics.errors import InvalidValue
from ..checkpoints.provenance import IN_MEMORY
from ..data.samples.data import Data
from ..data.samples.scaling import float_type
from ..data.samples.splits import subset
from ..network import Network
from ..rules import Rule
from ..training.course.plateau import Plateau
from ..training.sets.prepared import divided
from ..training.settings.config import Config
from ..training.settings.limits import SHARE
from .names import ELSEWHERE, parameter
from .parameters import Parameters

AUTO = "auto"
MOST_PER_BATCH = 200  # samples, of batch_size "auto"
SEEDS = 2**31 - 1  # that random_state draws from
PREPARED = "missing", "scaling", "zca_eps", "target_scaling"  # what raw data go through, fitted to the first samples
ONE_PASS = "early_stopping", "validation", "patience", "keep", "stop_train_error", "out", "samples"


def config_of(p: Parameters, data: Data, rule: Rule, class_weights: Any, before: Network | None) -> Config:
    """The settings of a run on these data, with class weights as Config has them; of one that goes on with a net, with
    that net's seeds and scalings.

    Raises InvalidValue for what can't be used, or would mean something else than in MLPClassifier.
    """
    _check(p)
    given = {f.name: getattr(p, parameter(f.name)) for f in fields(Config) if f.name not in ELSEWHERE}
    named = given["rule"] if isinstance(given["rule"], str) else None
    given |= {
        "data": IN_MEMORY,
        "rule": named,
        "class_weights": class_weights,
        "seeds": before.seeds if before else seeds_of(p),
        "dtype": p.dtype or (before.dtype if before else float_type(data.x_train).__name__),
        "batch_size": MOST_PER_BATCH if p.batch_size == AUTO else p.batch_size,
    }
    given |= _of_solver(p) | _of_validation(p)
    if before:  # as its weights are made for its scalings
        given |= {"scaling": "none", "zca_eps": None, "target_scaling": "none", "start": None}
    config = Config(**{name: value for name, value in given.items() if value is not None})
    return config if p.alpha is None else _penalised(config, p.alpha, data, rule)


def plateau_of(p: Parameters) -> Plateau:
    """MLPClassifier's stop rule."""
    if not p.n_iter_no_change >= 1:
        raise InvalidValue(f"n_iter_no_change can't be {shown(p.n_iter_no_change)}; give at least 1, or math.inf")
    return Plateau(p.n_iter_no_change, p.tol)


def seeds_of(p: Parameters) -> tuple[int, ...]:
    """The seed of each net."""
    if p.seeds is None or isinstance(p.seeds, int | np.integer):
        count = 1 if p.seeds is None else whole(p.seeds, "seeds")
        own = isinstance(p.random_state, int | np.integer)
        first = int(p.random_state if own else check_random_state(p.random_state).randint(SEEDS))
        return tuple(range(first, first + count))
    if p.random_state is not None:
        raise InvalidValue(
            f"random_state = {shown(p.random_state)} and seeds = {shown(p.seeds)} both say the seeds; leave one of them"
            f" out, or give seeds their number, {len(p.seeds)}"
        )
    return tuple(map(int, p.seeds))


def check_one_pass(p: Parameters, config: Config, ends: bool) -> None:
    """Raises InvalidValue where a setting is about more than partial_fit's one pass over what it is given."""
    for name in ONE_PASS:
        if (value := getattr(p, name)) not in (None, False, 0, "last"):
            raise InvalidValue(
                f"{name} = {shown(value)} is for fit, and partial_fit goes once over what it is given; leave it out"
            )
    if ends:
        raise InvalidValue(
            f"schedule = {config.schedule!r} comes to an end, and partial_fit does not; take 'constant' or 'step'"
        )


def check_prepared(p: Parameters, made: Mapping[str, Any], net: Network) -> None:
    """Raises InvalidValue where a net that goes on is asked for other seeds than it has, or for something else to be
    done to raw data than its weights were made for, which is in `made`."""
    asked: Any = 1 if p.seeds is None else p.seeds
    own: Any = net.seeds
    if isinstance(asked, int | np.integer):
        own = len(own)
    else:
        asked = tuple(asked)
    if asked != own:
        raise InvalidValue(
            f"seeds = {shown(p.seeds)} asks for other nets than were fitted, {shown(own)}; train them anew, with"
            " warm_start=False or by fit"
        )
    for name, before in made.items():
        if (value := getattr(p, name)) != before:
            raise InvalidValue(
                f"{name} = {shown(value)} can't be taken up by a net that goes on: its weights are made for"
                f" {shown(before)}; train it anew, with warm_start=False or by fit"
            )


def _check(p: Parameters) -> None:
    """What MLPClassifier's names can't mean here."""
    if p.learning_rate != "constant":
        raise InvalidValue(
            f"learning_rate = {shown(p.learning_rate)} is not among gpufa's courses of the rate; leave it out, and give"
            " learning_rate_init a number or schedule 'step' or 'cosine'"
        )
    if p.shuffle is not True:
        raise InvalidValue(f"shuffle = {shown(p.shuffle)} can't be done: gpufa shuffles in each epoch; leave it out")
    if p.solver is not None:
        if p.solver == "lbfgs":
            raise InvalidValue(
                "solver = 'lbfgs' goes by a loss's own gradient, which rules other than bp don't have; take 'adam' or"
                " 'sgd'"
            )
        one_of(p.solver, ("adam", "sgd"), "solver", "; others are given as optimizer")
    if not is_number(p.tol) or p.tol < 0:
        raise InvalidValue(f"tol can't be {shown(p.tol)}; give a number of at least 0")
    if p.alpha is not None and (not is_number(p.alpha) or p.alpha < 0):
        raise InvalidValue(f"alpha can't be {shown(p.alpha)}; give a number of at least 0")
    if isinstance(p.rule, Rule) and p.rule_options:
        raise InvalidValue(
            f"rule_options = {shown(p.rule_options)} are of a rule that is given by its name, and rule is"
            f" {shown(p.rule)}; leave them out"
        )
    if p.missing == "drop":
        raise InvalidValue("missing = 'drop' leaves rows out, and predict answers for each; choose mean or median")
    if isinstance(p.batch_size, str):
        one_of(p.batch_size, (AUTO,), "batch_size", ", or a number of samples")
    for one, other, unset in (
        ("solver", "optimizer", None),
        ("alpha", "weight_decay", None),
        ("alpha", "decay", None),
        ("early_stopping", "validation", 0.0),
    ):
        if getattr(p, one) not in (None, False) and (value := getattr(p, other)) != unset:
            raise InvalidValue(
                f"{one} = {shown(getattr(p, one))} and {other} = {shown(value)} both say what is done; leave one of"
                " them out"
            )
    for name in ("beta_1", "nesterovs_momentum"):
        if p.solver is None and getattr(p, name) is not None:
            raise InvalidValue(
                f"{name} = {shown(getattr(p, name))} goes with solver 'adam' or 'sgd'; give one of them, or in place of"
                " both optimizer and momentum"
            )


def _of_solver(p: Parameters) -> dict[str, Any]:
    """The optimizer that MLPClassifier means."""
    if p.solver == "adam":
        return {"optimizer": "adam", "momentum": p.beta_1}
    if p.solver == "sgd":
        nesterov = p.nesterovs_momentum is not False
        name = "sgd" if p.momentum == 0 else "nesterov" if nesterov else "momentum"
        return {"optimizer": name, "beta2": None, "eps": None}
    return {}


def _of_validation(p: Parameters) -> dict[str, Any]:
    """What early_stopping means."""
    if not p.early_stopping:
        return {}
    good, expected = SHARE
    if not good(p.validation_fraction) or not p.validation_fraction:
        raise InvalidValue(f"validation_fraction can't be {shown(p.validation_fraction)}; give {expected}, and not 0")
    return {"validation": p.validation_fraction, "keep": p.keep or "best"}


def _penalised(config: Config, alpha: float, data: Data, rule: Rule) -> Config:
    """With MLPClassifier's L2 penalty, whose gradient alpha W is divided by the batch's samples as those of the losses
    are, and which leaves biases alone."""
    if not alpha:
        return replace(config, weight_decay=0.0)
    taken = data if config.samples is None else subset(data, config.samples)
    samples = len(taken.y_train[divided(taken, config)[0]])
    batch = min(config.resolved(rule).batch_size or samples, samples)
    scale = batch if config.gradient == "mean" else 1
    return replace(config, weight_decay=alpha / scale, decay="l2", decay_on="matrices")
