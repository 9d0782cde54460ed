"""What the estimators' parameters are called: the fields of Config, and what MLPClassifier has beside them.

`python tests/signatures.py` makes the signature in parameters.py of this table and of gpufa.training.settings.groups.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

from ..basics.errors import InvalidValue

# Fields of Config that MLPClassifier, or scikit-learn, has under another name.
RENAMED = {
    "hidden": "hidden_layer_sizes",
    "lr": "learning_rate_init",
    "beta2": "beta_2",
    "eps": "epsilon",
    "epochs": "max_iter",
    "class_weights": "class_weight",
}
# Fields of Config that are no parameters, and what says it in their place.
ELSEWHERE = {
    "data": "X and y are handed to fit",
    "target": "y is handed to fit",
    "task": "the classifier is for classes, the regressor for amounts",
    "features": "all columns of X are features",
    "drop": "all columns of X are features",
    "sample_weights": "fit has sample_weight",
    "test_fraction": "fit trains on all that it is given",
    **dict.fromkeys(("tokens", "length", "encoding"), "X is no text"),
    "overlap": "fit trains in one process",
    "stream": "X is in memory",
    "stream_block": "X is in memory",
    "blind": "fit is given no test samples",
}
# Fields whose parameters have another type, default or text than in Config.
OTHERWISE: dict[str, tuple[str, str, str]] = {
    "rule": (
        "str | Rule | type[Rule]",
        '"dfa"',
        "learning rule (`gpufa rules` tells of all), path/to/file.py:MyRule, a gpufa.Rule or a class of them",
    ),
    "rule_options": ("dict[str, Any] | None", "None", "options of a rule that is given by its name"),
    "hidden": ("int | Sequence[int] | None", "None", "units of the hidden layers"),
    "activation": (
        "str | Activation | Sequence[str | Activation] | None",
        "None",
        "of the hidden layers, one for all or one each",
    ),
    "batch_size": (
        'int | Literal["auto"] | None',
        "None",
        "samples per update; auto is the least of 200 and all of them",
    ),
    "class_weights": (
        "str | dict[Any, float] | None",
        "None",
        "of the classifier: how much each class counts, balanced, a file, or weights by class, those left out being 1",
    ),
    "missing": (
        'Literal["mean", "median"] | None',
        "None",
        "what NaN in X becomes: each feature's mean or median over the training samples; refused where not given",
    ),
    "momentum": ("float | None", "None", "momentum; of an optimizer that is given as `optimizer` also Adam's beta1"),
    "seeds": (
        "int | Sequence[int] | None",
        "None",
        "how many nets, an ensemble trained at once, or the seed of each in place of random_state",
    ),
    "dtype": (
        'Literal["float32", "float64"] | None',
        "None",
        "type of all numbers; where not given the one that holds X's",
    ),
    "out": (
        "str | None",
        "None",
        "a folder in which fit keeps its run, as gpufa.train does",
    ),
}
FIRST = "hidden", "activation"  # they may be given by position, as MLPClassifier's
NEXT = "rule", "rule_options", "layers"


@dataclass(frozen=True)
class OfMLP:
    """MLPClassifier's own parameters, with its meaning."""

    solver: Literal["adam", "sgd"] | None = None
    """MLPClassifier's, in place of `optimizer`: adam, or sgd with its momentum, 0.9 by Nesterov where not given"""
    alpha: float | None = None
    """L2 penalty alpha / 2 |W|^2 over the samples of a batch, in place of `weight_decay`"""
    learning_rate: Literal["constant"] = "constant"
    """constant; other courses are those of `schedule`"""
    power_t: float = 0.5
    """without effect, as in MLPClassifier where learning_rate is constant"""
    shuffle: bool = True
    """true: samples are in a new order in each epoch"""
    random_state: Any = None
    """the seed; of several nets the first one's, from which the others count up; a RandomState or None draws them"""
    tol: float = 1e-4
    """by how much an epoch has to be better to be one of improvement"""
    verbose: bool = False
    """whether fit shows a progress bar, or lines, on stderr"""
    warm_start: bool = False
    """whether fit begins with the weights that the last fit has left"""
    nesterovs_momentum: bool | None = None
    """of solver sgd; true where not given"""
    early_stopping: bool = False
    """hold out validation_fraction of the samples, stop by their score, and keep the weights of the best epoch"""
    validation_fraction: float = 0.1
    """share of the samples that early_stopping holds out"""
    beta_1: float | None = None
    """of solver adam; 0.9 where not given"""
    n_iter_no_change: float = 10
    """epochs in a row, at most, without improvement of the training loss, or of the score of early_stopping"""
    max_fun: int = 15000
    """without effect, as in MLPClassifier with adam and sgd"""


def parameter(field: str) -> str:
    """The parameter that a field of Config is."""
    return RENAMED.get(field, field)


def in_parameters(text: str) -> str:
    """A text about settings and flags, about parameters."""
    text = re.sub(r"--set rule\.(\w+)=([\w.]+)", r"rule_options={'\1': \2}", text)
    text = re.sub(r"--([a-z][a-z-]*)", lambda found: parameter(found[1].replace("-", "_")), text)
    return re.sub(r"^(\w+)(?= = )", lambda found: parameter(found[1]), text)


@contextmanager
def told_in_parameters() -> Iterator[None]:
    """Let errors speak of parameters where they speak of settings and flags."""
    try:
        yield
    except InvalidValue as error:
        raise InvalidValue(in_parameters(str(error))) from error
