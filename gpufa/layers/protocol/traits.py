"""What layers are called in words, and what a class of them says of itself."""

from dataclasses import dataclass, fields
from typing import ClassVar

from ...basics.promises import kept
from .terms import Option, Shape

DOWN = "send", "pull", "remember", "gradients"
WAYS = "forward", "inside", "out", *DOWN


@dataclass(frozen=True)
class Traits:
    """What a class of layers says of itself. `str` of a layer is its word, which `block` reads back; `example` is such
    a word, and `sample` the shape of an input that it takes. In words the fields without a default are numbers, the
    others `options`.

    What a class promises of its methods is not promised by a class below it that writes one of them anew, unless that
    says so itself:

    spent   its own way down, `DOWN`, never reads y, over which the activation above may write its own
    known   it does what its name says in gpufa, all its `WAYS`, and what comes to the same may be done in its place
    separable   by all its `WAYS` it makes of a batch what it makes of parts of it, each sample by itself, and draws
                random numbers by `at.batch` alone, which has each process draw those of its own samples: processes
                may share a batch. It is asked of classes that are not gpufa's

    `numbers` says that it takes numbers of tokens, which are no amounts and go nowhere else. An activation behind the
    word of one that `activates` is its own `f`, and no layer above it. A layer that goes through time a step after the
    other is `timed`, and maybe `gated`; `loops` are its parameters through which an error goes though it stays within
    the layer; a signal that is sent straight to all steps of one that `passes` goes on to those of the layer below; no
    error goes down through one that `stops`, so that nothing below it may learn; one that goes `by_step` makes what it
    makes of a step in time of that step alone, and of states that it hands on itself, by `go_on`; the
    gradients of one that is `priced` have a part that is of no error; through one that is `deaf`, which is promised of
    all its `WAYS`, a token that fills up reaches no other one.

    `either_way` says that it takes its input whichever way that lies in memory, sample beside sample or unit by unit;
    `joins` that what it makes of a sample is made of others too, along the edges of a graph; such layers alone may
    stand in front of the outputs in the last block.
    """

    word: ClassVar[str] = ""
    example: ClassVar[str] = ""
    sample: ClassVar[Shape] = (128,)
    options: ClassVar[tuple[Option, ...]] = ()
    spent: ClassVar[bool] = False
    known: ClassVar[bool] = False
    separable: ClassVar[bool] = False
    numbers: ClassVar[bool] = False
    timed: ClassVar[bool] = False
    gated: ClassVar[bool] = False
    passes: ClassVar[bool] = False
    stops: ClassVar[bool] = False
    by_step: ClassVar[bool] = False
    priced: ClassVar[bool] = False
    deaf: ClassVar[bool] = False
    activates: ClassVar[bool] = False
    loops: ClassVar[tuple[str, ...]] = ()
    joins: ClassVar[bool] = False
    either_way: ClassVar[bool] = False

    def __init_subclass__(cls) -> None:
        cls.spent = cls.spent and kept(cls, "spent", DOWN)
        cls.known = cls.known and kept(cls, "known", WAYS)
        cls.separable = cls.separable and kept(cls, "separable", WAYS)
        cls.deaf = cls.deaf and kept(cls, "deaf", WAYS)

    def __str__(self) -> str:
        said = [self.word]
        for one in fields(self):
            value, option = getattr(self, one.name), self._option(one.name)
            if value != one.default:
                said += [option.name] if option else []
                said += (
                    []
                    if option and option.sets
                    else ["x".join(map(str, value if isinstance(value, tuple) else [value]))]
                )
        return " ".join(said)

    def _option(self, name: str) -> Option | None:
        """What says that field in words."""
        return next((one for one in self.options if name == (one.sets[0] if one.sets else one.name)), None)
