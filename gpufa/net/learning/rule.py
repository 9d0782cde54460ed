"""What a learning rule is: a frozen dataclass of hyperparameters with the hooks below.

A rule of the alignment family writes only `deltas`; the weight gradients dW_k = delta_k h_{k-1}^T and db_k = row sums
of delta_k follow from it. A rule of another kind writes `gradients`. All arrays carry a leading replica axis; write
over the trailing two. Shipped rules allocate nothing in a step, so that it can be recorded: results go to `out=` or
into net.array(name, ...) and net.layers(name).
"""

import math
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ...basics.errors import InvalidValue
from ...basics.laws import LAWS
from ...basics.promises import kept
from ...functions.initialisers import fans
from ...layers.protocol.terms import Shape
from ..batch.passes import Pass
from ..shape.layout import Layout
from ..state.arena import Extra
from ..state.feedback import Feedback
from ..state.model import Model
from .gradients import Gradients
from .options import above_zero, boolean, one_of
from .rows import Rows

WORK = "forward", "deltas", "gradients", "after_update", "after_epoch"  # what a rule does with a batch, or after it


@dataclass(frozen=True)
class Rule:
    """Base of all rules. A field is a hyperparameter: set by `--set rule.NAME=VALUE` or the TOML table [rule].

    What a rule says of itself, in attributes of the class, decides which nets it is given and how it is run:

    needs         of a net, all of
                      "pull"        each block can say what it hands down, as all can so far
                      "matrix"      each block is one dense layer, of one W_k and b_k
                      "plain"       no block is one dense layer with a skip connection over it
                      "single"      one layer of each block learns, of one W_k, and no skip connection is over it
                      "timeless"    no layer goes through time a step after the other
                      "ungated"     no recurrent layer has gates
                      "derivative"  it learns through f' alone, which may not be zero everywhere
                      "output"      the outputs are one dense layer, of one W_L and b_L, and not at places each
                      "apart"       no layer has a second matrix
                      "amounts"     its inputs are amounts, and not numbers of tokens
                      "stored"      net.B are arrays: it changes them, or does more with them than send
                      "samples"     the training samples as floats in `prepare`, and not their targets alone
    makes         "signals": it fills net.delta; "gradients": it hands over more than the products of net.delta and the
                  activity, or something else
    feedforward   it trains the feed-forward net all along, so that backprop through that is the true gradient; else it
                  needs plain layers, unless its needs have "pull"
    feeds         `forward` is one pass through the layers, as it is here; a class that defines its own says so, or is
                  taken not to: its nets predict in their own way, and can't be exported
    injects_only  `deltas` does nothing but send products, and so runs in bfloat16 too
    linear        what a sample adds to what it hands over is proportional to its error, net.e or one that it works out
                  under net.weight, so that a weight on that is one on the sample's gradient: the rule takes weights of
                  samples and classes
    partial       what it hands over of a sample is 0 where its error and its target are, as of nodes of a graph that
                  have no label: so it is of all rules that are linear
    separable     what it hands over of a batch is the sum of what it would of parts of it, and it keeps nothing of a
                  batch but by the weights: processes may share each batch. A class that writes a hook anew that has to
                  do with a batch says so itself
    broadcasts    what it sends into hidden blocks it makes of the output's error or the targets alone, and nothing goes
                  from block to block but activity: processes may hold the blocks between them
    follows       it does something behind each update of the weights: so does a class that defines `after_update`
    traces        its recurrent layers carry traces forward in training in place of their steps, of which nothing goes
                  down to layers below them
    window        how many steps in time a step of training takes at once, with an update behind each of these windows
                  and the states of one in front of the next; 0 for all of them
    every_step    it looks at all steps of blocks that hand on their last step in time alone, see `net.steps`
    as_said       it looks at layers within blocks, which then stand in the order that was said, and not in a faster one

    `defaults` are the settings of a run that is told none, and `layered` those that stand in their place in nets with a
    block of several layers.

    `crosses`, `memory` and `frees` tell of the rule what `gpufa rules` prints: what has to cross between layers, what
    it keeps beyond the net, and which of backprop's three locks it frees: a layer need not wait for the layers above
    it to run forward ("forward"), nor for any error from above ("update"), nor for the layer above to send one
    ("backward"). `later` has options that older files lack, and newer ones where they are what it says.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"matrix", "derivative"})
    makes: ClassVar[frozenset[str]] = frozenset({"signals"})
    feedforward: ClassVar[bool] = True
    feeds: ClassVar[bool] = True
    injects_only: ClassVar[bool] = False
    linear: ClassVar[bool] = False
    separable: ClassVar[bool] = False
    broadcasts: ClassVar[bool] = False
    follows: ClassVar[bool] = False
    every_step: ClassVar[bool] = False
    as_said: ClassVar[bool] = False
    traces: ClassVar[bool] = False
    window: ClassVar[int] = 0

    name: ClassVar[str] = ""
    paper: ClassVar[str] = ""
    crosses: ClassVar[str] = ""
    memory: ClassVar[str] = ""
    frees: ClassVar[str] = ""
    state_dtype: ClassVar[str] = ""
    later: ClassVar[Mapping[str, Any]] = MappingProxyType({})
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

    layered: ClassVar[Mapping[str, Any]] = MappingProxyType({})

    def __init_subclass__(cls) -> None:
        cls.name = cls.__dict__.get("name", cls.__name__.lower())
        if not kept(cls, "feeds", ("forward",)):
            cls.feeds = False
        if not kept(cls, "follows", ("after_update",)):
            cls.follows = True
        for promise in ("separable", "broadcasts"):
            if not kept(cls, promise, WORK):
                setattr(cls, promise, False)

    @property
    def partial(self) -> bool:
        return self.linear

    @property
    def options(self) -> dict[str, Any]:
        """Its hyperparameters, as files have them."""
        return {
            name: value for name, value in vars(self).items() if name not in self.later or self.later[name] != value
        }

    def check(self, model: Model) -> None:
        """Raise InvalidValue where the net lacks what the rule needs: called once its sizes and functions are known."""

    def fixed(self, sizes: Layout) -> dict[str, Feedback]:
        """The feedback matrices, by name, in the order in which they are stored."""
        return {}

    def parameters(self, sizes: Layout) -> dict[str, Extra]:
        """Arrays that are trained beside W and b, by name: net.parameters[name]."""
        return {}

    def straight(self, sizes: Layout) -> dict[int, Rows]:
        """By hidden block, the rows of the matrix B_k through which an error goes to its output, past all others."""
        return {}

    def trained(self, sizes: Layout) -> Collection[int]:
        """The layers whose W and b the optimizer trains, weight decay and all; the others it leaves alone."""
        return range(1, sizes.L + 1)

    def state(self, sizes: Layout) -> dict[str, tuple[int, ...]]:
        """Shapes of what the rule remembers from step to step, by name: net.state[name], zero before the first."""
        return {}

    def prepare(self, model: Model, x: Any, y: Any) -> None:
        """Called once before the first step with the training data, (N, n_0) floats where its needs have "samples", and
        what is taught: labels, (N,) or with label noise (R, N), or targets, (N, n_L)."""

    def forward(self, net: Pass, x: Any) -> Any:
        """From x, (R, m, n_0) or (m, n_0), to the output's pre-activation net.a[L], which is returned."""
        return net.feed(x)

    def deltas(self, net: Pass, e: Any) -> None:
        """Fill net.delta[k], (R, n_k, m), for the hidden layers k; net.delta[L] is e, the error, already."""
        raise InvalidValue(
            f"rule {self.name!r} fills no net.delta; let it define deltas(net, e), or say that it makes none:"
            ' makes = frozenset({"gradients"})'
        )

    def gradients(self, net: Pass, grads: Gradients) -> None:
        """Hand over what is descended; here dW_k = delta_k h_{k-1}^T and db_k = the row sums of delta_k."""
        self.deltas(net, net.e)
        grads.layers_of(net)

    def after_update(self, net: Pass) -> None:
        """Called after each update of the weights: the place where a rule may change its feedback."""

    def after_epoch(self, net: Pass, active: NDArray[np.bool_]) -> None:
        """Called after the last step of each epoch, before the net is evaluated; `active`, (R,), says which replicas
        still train."""

    def weight_pairs(self, net: Pass) -> Iterator[tuple[int, Any, Any]]:
        """(k, what carries the error to layer k, what it should align with), for weight alignment angles."""
        return iter(())


@dataclass(frozen=True)
class FeedbackRule(Rule):
    """A rule with fixed random feedback: B_k = scale / sqrt(n_k) * law, n_k being the rows of B_k.

    Without `by_width` it is scale * law, and with `glorot` scale * U(+-sqrt(6 / (fan_in + fan_out))), the law of Glorot
    and Bengio, of the matrix or the kernel that it stands for. With density < 1 all but that share of its elements are
    zero, and the others are larger by 1 / sqrt(density). Its nets start as Nokland's did: from zero weights where the
    units are tanh or logistic, else from U(+-1/sqrt(fan_in)).
    """

    law: str = "uniform"
    scale: float = 1.0
    by_width: bool = True
    density: float = 1.0
    glorot: bool = False

    memory: ClassVar[str] = "B"
    later = MappingProxyType({"glorot": False})
    defaults: ClassVar[Mapping[str, Any]] = MappingProxyType({**Rule.defaults, "init": "nokland"})
    layered: ClassVar[Mapping[str, Any]] = MappingProxyType({"lr": 5e-4})  # relu maps grow without end by 3e-3

    def __post_init__(self) -> None:
        one_of(self.law, LAWS, "feedback law", "law")
        above_zero(self.scale, "feedback scale", "scale")
        above_zero(self.density, "feedback density", "density", most=1)
        boolean(self.by_width, "by_width")
        boolean(self.glorot, "glorot")
        if self.glorot and (self.law != "uniform" or not self.by_width):
            raise InvalidValue("glorot is a law with a size of its own; leave rule.law and rule.by_width out")

    def feedback(self, rows: int, columns: int, stream: int | None = None, places: int = 1) -> Feedback:
        """A matrix, or a kernel of so many `places` whose filters are its columns."""
        return Feedback(rows, columns, self.law, self.size(rows, columns * places), self.density, stream)

    def stand_in(self, shape: Shape) -> Feedback:
        """Feedback of that shape: a matrix, or a kernel, whose size goes by what a filter sees."""
        if len(shape) == 2:
            return self.feedback(*shape)
        seen, seen_by = fans(shape)
        return Feedback(math.prod(shape) // seen, seen, self.law, self.size(seen, seen_by), self.density, kernel=shape)

    def size(self, rows: int, columns: int) -> float:
        """The factor on the law for a matrix of so many rows and columns, fan_in and fan_out."""
        if self.glorot:
            return self.scale * math.sqrt(6 / (rows + columns))
        return self.scale / math.sqrt(rows) if self.by_width else self.scale
