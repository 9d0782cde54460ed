"""A net that several processes hold together, block after block."""

from dataclasses import replace
from typing import Any

from ..net.batch.partpass import PartPass
from ..net.shape.layout import Layout
from ..net.shape.part import Part, part_of
from ..net.state.feedback import Feedback
from ..network import Network
from ..parallel.ranks import Ranks
from ..rules import Rule, check_promise


class PartNetwork(Network):
    """This process's blocks of a Network: weights, feedback and all as they are in it, under the same names.

    Raises InvalidValue as Network does, and where the net can't be held so.
    """

    def __init__(self, sizes: Any, ranks: Ranks, **settings: Any) -> None:
        self.ranks = ranks
        super().__init__(sizes, **settings)

    def held(self, layout: Layout, rule: Rule) -> Layout:
        check_promise(rule, "broadcasts")
        return part_of(layout, self.ranks)

    def fixed_of(self, layout: Layout) -> dict[str, Feedback]:
        assert isinstance(layout, Part)
        found = {}
        for stream, (name, one) in enumerate(self.rule.fixed(layout.whole).items(), start=1):
            if not name[1:].isdigit() or int(name[1:]) in layout.hidden:
                found[name] = replace(one, stream=one.stream or stream)
        return found

    def new_pass(self, m: int, *how: Any) -> PartPass:
        return PartPass(self, m, *how)
