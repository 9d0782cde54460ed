"""What shapes a checkpoint's net has, and where the error enters it, told of its metadata alone."""

from collections.abc import Mapping
from typing import Any

from ..layers.words import block, inputs, stand_ins
from ..net.learning.checks import layout_of
from ..net.learning.entries import entries
from ..net.shape.layout import Layout
from ..rules import RULES, make_rule


def sketch_in(network: Mapping[str, Any]) -> str:
    """As Layout.sketch, of what the metadata say of the network."""
    if not (words := network.get("layers")):
        return "-".join(map(str, network["sizes"]))
    functions, first = stand_ins(words), inputs(words[0])
    assert first
    return Layout.of(first, [block(one, functions) for one in words[1:]]).sketch


def entries_in(metadata: Mapping[str, Any]) -> list[str]:
    """As Network.entries; none of a rule that gpufa does not ship."""
    about = metadata["network"]
    options = {**about["rule"]}
    if (name := options.pop("name")) not in RULES or not (words := about.get("layers")):
        return []
    rule = make_rule(name, options)
    return entries(rule, layout_of(words, None, False, rule, stand_ins(words)), about["dtype"])
