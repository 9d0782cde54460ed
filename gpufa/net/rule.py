"""What a learning rule is: a frozen dataclass of hyperparameters with the hooks below.

A rule of the alignment family writes only `deltas`; the weight gradients dW_k = delta_k h_{k-1}^T and db_k = row sums
of delta_k follow from it. A rule of another kind writes `gradients`. All arrays carry a leading replica axis; write
over the trailing two. Shipped rules allocate nothing in a step, so that it can be recorded: results go to `out=` or
into net.array(name, ...) and net.layers(name).
"""

import math
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ..basics.arguments import is_number, is_whole, shown
from ..basics.errors import InvalidValue
from ..basics.random import LAWS
from .layout import Sizes

if TYPE_CHECKING:
    from ..network import Network
    from .gradients import Gradients
    from .passes import Pass


@dataclass(frozen=True)
class Feedback:
    """A fixed feedback matrix (rows, columns) of scale * law, drawn once from the seed and never trained.

    Of its elements a share `density` is not zero. Matrices of one `stream` and width are the same, as far as their rows
    go; where it is None each matrix has its own.
    """

    rows: int
    columns: int
    law: str
    scale: float
    density: float = 1.0
    stream: int | None = None


@dataclass(frozen=True)
class Extra:
    """An array of the rule's own that the optimizer trains with the weights, at `rate` times their learning rate.

    With a `layer` that is layer's own rate, and what freezes the layer freezes the array.
    """

    shape: tuple[int, ...]
    init: str = "zeros"
    rate: float = 1.0
    layer: int | None = None


@dataclass(frozen=True)
class Rule:
    """Base of all rules. A field is a hyperparameter: set by `--set rule.NAME=VALUE` or the TOML table [rule].

    `crosses`, `memory` and `frees` tell of the rule what `gpufa rules` prints: what has to cross between layers, what
    it keeps beyond the net, and which of backprop's three locks it frees: a layer need not wait for the layers above
    it to run forward ("forward"), nor for any error from above ("update"), nor for the layer above to send one
    ("backward").
    """

    name: ClassVar[str] = ""
    paper: ClassVar[str] = ""
    crosses: ClassVar[str] = ""
    memory: ClassVar[str] = ""
    frees: ClassVar[str] = ""
    state_dtype: ClassVar[str] = ""
    defaults: ClassVar[Mapping[str, Any]] = MappingProxyType(
        {
            "hidden": (256, 256),
            "activation": "tanh",
            "loss": "cross_entropy",
            "optimizer": "adam",
            "lr": 3e-3,
            "init": "uniform",
            "weight_decay": 0.0,
            "batch_size": 64,
            "epochs": 50,
        }
    )

    def __init_subclass__(cls) -> None:
        cls.name = cls.__dict__.get("name", cls.__name__.lower())

    @property
    def uses_derivative(self) -> bool:
        """Whether hidden layers learn through f' alone, so that units whose derivative is zero never would."""
        return True

    @property
    def injects_only(self) -> bool:
        """Whether `deltas` does nothing but inject, and so runs in bfloat16 too."""
        return False

    @property
    def runs_forward(self) -> bool:
        """Whether the net's own forward pass is all that it runs."""
        return type(self).forward is Rule.forward

    @property
    def feedforward(self) -> bool:
        """Whether it trains the feed-forward net all along, so that backprop through that is the true gradient."""
        return self.runs_forward

    @property
    def takes_residual(self) -> bool:
        """Whether it goes with skip connections: it does where it leaves the forward pass and the gradients alone."""
        return self.feedforward and type(self).gradients is Rule.gradients

    @property
    def stored_feedback(self) -> bool:
        """Whether net.B must be arrays: it changes in training, or the rule does more with it than inject."""
        return False

    @property
    def has_deltas(self) -> bool:
        """Whether there are error signals net.delta, as most rules have; others hand over gradients alone."""
        return type(self).deltas is not Rule.deltas

    @property
    def only_deltas(self) -> bool:
        """Whether the gradients are the products of net.delta and the activity, and nothing else is trained."""
        return type(self).gradients is Rule.gradients

    def check(self, net: "Network") -> None:
        """Raise InvalidValue where the net lacks what the rule needs: called once its sizes and functions are known."""

    def fixed(self, sizes: Sizes) -> dict[str, Feedback]:
        """The feedback matrices, by name, in the order in which they are stored."""
        return {}

    def parameters(self, sizes: Sizes) -> dict[str, Extra]:
        """Arrays that are trained beside W and b, by name: net.parameters[name]."""
        return {}

    def trained(self, sizes: Sizes) -> Collection[int]:
        """The layers whose W and b the optimizer trains, weight decay and all; the others it leaves alone."""
        return range(1, sizes.L + 1)

    def state(self, sizes: Sizes) -> dict[str, tuple[int, ...]]:
        """Shapes of what the rule remembers from step to step, by name: net.state[name], zero before the first."""
        return {}

    def prepare(self, net: "Network", x: Any, y: Any) -> None:
        """Called once before the first step with the training data, (N, n_0) floats and what is taught: labels, (N,) or
        with label noise (R, N), or targets, (N, n_L)."""

    def forward(self, net: "Pass", x: Any) -> Any:
        """From x, (R, m, n_0) or (m, n_0), to the output's pre-activation net.a[L], which is returned."""
        return net.forward(x)

    def deltas(self, net: "Pass", e: Any) -> None:
        """Fill net.delta[k], (R, n_k, m), for the hidden layers k; net.delta[L] is e, the error, already."""
        raise NotImplementedError(f"{type(self).__name__} must define deltas(net, e)")

    def gradients(self, net: "Pass", grads: "Gradients") -> None:
        """Hand over what is descended; here dW_k = delta_k h_{k-1}^T and db_k = the row sums of delta_k."""
        self.deltas(net, net.e)
        grads.layers_of(net)

    def after_update(self, net: "Pass") -> None:
        """Called after each update of the weights: the place where a rule may change its feedback."""

    def after_epoch(self, net: "Pass", active: NDArray[np.bool_]) -> None:
        """Called after the last step of each epoch, before the net is evaluated; `active`, (R,), says which replicas
        still train."""

    def weight_pairs(self, net: "Pass") -> Iterator[tuple[int, Any, Any]]:
        """(k, what carries the error to layer k, what it should align with), for weight alignment angles."""
        return iter(())


@dataclass(frozen=True)
class FeedbackRule(Rule):
    """A rule with fixed random feedback: B_k = scale / sqrt(n_k) * law, n_k being the rows of B_k.

    Without `by_width` it is scale * law. With density < 1 all but that share of its elements are zero, and the others
    are larger by 1 / sqrt(density). Its nets start as Nokland's did: from zero weights where the units are tanh or
    logistic, else from U(+-1/sqrt(fan_in)).
    """

    law: str = "uniform"
    scale: float = 1.0
    by_width: bool = True
    density: float = 1.0

    memory: ClassVar[str] = "B"
    defaults: ClassVar[Mapping[str, Any]] = MappingProxyType({**Rule.defaults, "init": "nokland"})

    def __post_init__(self) -> None:
        one_of(self.law, LAWS, "feedback law", "law")
        above_zero(self.scale, "feedback scale", "scale")
        above_zero(self.density, "feedback density", "density", most=1)
        boolean(self.by_width, "by_width")

    def feedback(self, rows: int, columns: int, stream: int | None = None) -> Feedback:
        return Feedback(rows, columns, self.law, self.size(rows), self.density, stream)

    def size(self, rows: int) -> float:
        """The factor on the law for a matrix of so many rows."""
        return self.scale / math.sqrt(rows) if self.by_width else self.scale


def one_of(value: Any, allowed: Iterable[str], what: str, option: str) -> None:
    """Raise InvalidValue for an option of a rule that is none of the allowed names."""
    names = list(allowed)
    if not isinstance(value, str) or value not in names:
        raise InvalidValue(f"unknown {what} {shown(value)}; set rule.{option} to one of {', '.join(names)}")


def boolean(value: Any, option: str) -> None:
    """Raise InvalidValue for an option of a rule that is neither true nor false."""
    if not isinstance(value, bool):
        raise InvalidValue(f"{option} = {shown(value)} can't be used; set rule.{option} to true or false")


def above_zero(value: Any, what: str, option: str, most: float = math.inf, least: float = 0) -> None:
    """Raise InvalidValue for an option of a rule that is no number above 0, or `least`, up to `most`."""
    if not is_number(value) or not least < value <= most:
        limit = "" if most == math.inf else f" and at most {most}"
        raise InvalidValue(f"{what} {shown(value)} can't be used; set rule.{option} to a number above {least:g}{limit}")


def whole(value: Any, what: str, option: str, least: int = 0) -> None:
    """Raise InvalidValue for an option of a rule that is no whole number of at least `least`."""
    if not is_whole(value, least):
        raise InvalidValue(
            f"{what} {shown(value)} can't be used; set rule.{option} to a whole number of at least {least}"
        )
