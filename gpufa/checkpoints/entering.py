"""Where the error enters a checkpoint's net, told of its metadata alone."""

from collections.abc import Mapping
from typing import Any

from ..layers.words import stand_ins
from ..net.checks import layout_of
from ..net.entries import entries
from ..rules import RULES, make_rule


def entries_in(metadata: Mapping[str, Any]) -> list[str]:
    """As Network.entries; none of a rule that gpufa does not ship."""
    about = metadata["network"]
    options = {**about["rule"]}
    if (name := options.pop("name")) not in RULES or not (words := about.get("layers")):
        return []
    rule = make_rule(name, options)
    return entries(rule, layout_of(words, None, False, rule, stand_ins(words)), about["dtype"])
