"""What a learning rule is: a frozen dataclass of hyperparameters with the hooks below.

A rule of the alignment family writes only `deltas`; the weight gradients dW_k = delta_k h_{k-1}^T and db_k = row sums
of delta_k follow from it. All arrays carry a leading replica axis; write over the trailing two.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

from ..errors import InvalidValue
from ..random import LAWS
from ..sizes import Sizes

if TYPE_CHECKING:
    from ..passes import Pass


@dataclass(frozen=True)
class Feedback:
    """A fixed feedback matrix (rows, columns) of scale * law, drawn once from the seed and never trained."""

    rows: int
    columns: int
    law: str
    scale: float


@dataclass(frozen=True)
class Rule:
    """Base of all rules. A field is a hyperparameter: set by `--set rule.NAME=VALUE` or the TOML table [rule]."""

    name: ClassVar[str] = ""
    paper: ClassVar[str] = ""
    injects_only: ClassVar[bool] = False  # whether `deltas` does nothing but inject, and so runs in bfloat16 too
    defaults: ClassVar[Mapping[str, Any]] = MappingProxyType(
        {"activation": "tanh", "loss": "cross_entropy", "optimizer": "adam", "lr": 3e-3, "init": "uniform"}
    )

    def __init_subclass__(cls) -> None:
        cls.name = cls.__dict__.get("name", cls.__name__.lower())

    @property
    def uses_derivative(self) -> bool:
        """Whether hidden layers learn through f' alone, so that units whose derivative is zero never would."""
        return True

    def fixed(self, sizes: Sizes) -> dict[str, Feedback]:
        """The feedback matrices, by name, in the order in which they are stored."""
        return {}

    def deltas(self, net: "Pass", e: Any) -> None:
        """Fill net.delta[k], (R, n_k, m), for the hidden layers k; net.delta[L] is e, the error, already."""
        raise NotImplementedError(f"{type(self).__name__} must define deltas(net, e)")

    def after_update(self, net: "Pass") -> None:
        """Called after each update of the weights: the place where a rule may change its feedback."""

    def weight_pairs(self, net: "Pass") -> Iterator[tuple[int, Any, Any]]:
        """(k, what carries the error to layer k, what it should align with), for weight alignment angles."""
        return iter(())


@dataclass(frozen=True)
class FeedbackRule(Rule):
    """A rule with fixed random feedback: B_k = scale / sqrt(n_k) * law, n_k being the rows of B_k.

    Its nets start as Nokland's did: from zero weights where the units are tanh or logistic, else from
    U(+-1/sqrt(fan_in)).
    """

    law: str = "uniform"
    scale: float = 1.0

    defaults: ClassVar[Mapping[str, Any]] = MappingProxyType({**Rule.defaults, "init": "nokland"})

    def __post_init__(self) -> None:
        if self.law not in LAWS:
            raise InvalidValue(f"unknown feedback law {self.law!r}; set rule.law to one of {', '.join(LAWS)}")
        if not isinstance(self.scale, int | float) or not math.isfinite(self.scale) or self.scale <= 0:
            raise InvalidValue(f"feedback scale {self.scale!r} can't be used; set rule.scale to a number above 0")

    def feedback(self, rows: int, columns: int) -> Feedback:
        return Feedback(rows, columns, self.law, self.scale / math.sqrt(rows))
