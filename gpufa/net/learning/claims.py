"""What a rule says of itself, held to the words that there are for it."""

from typing import Any

from ...basics.arguments import shown
from ...basics.errors import InvalidValue
from .rule import Rule

WORDS = {
    "needs": (
        *("pull", "matrix", "plain", "single", "output", "timeless", "ungated", "derivative", "apart", "amounts"),
        *("stored", "samples"),
    ),
    "makes": ("signals", "gradients"),
}
# Names that said something of a rule once, and what says it now.
RETIRED = {
    "uses_derivative": 'needs, with "derivative" in it or without',
    "takes_residual": 'needs, with "plain" in it where the rule knows no skip connections',
    "stored_feedback": 'needs, with "stored" in it or without',
    "runs_forward": "feedforward, True or False",
    "has_deltas": 'makes, with "signals" in it or without',
    "only_deltas": 'makes, with "gradients" in it or without',
}


def check_claims(rule: Rule) -> None:
    """Raises InvalidValue where a rule says of itself what nobody understands."""
    for name, instead in RETIRED.items():
        if hasattr(type(rule), name):
            raise InvalidValue(
                f"rule {rule.name!r} has {name}, which says nothing any more; say {instead}, in its place"
            )
    for name, words in WORDS.items():
        said = getattr(rule, name)
        if not isinstance(said, set | frozenset) or not said <= {*words} or (name == "makes" and not said):
            raise InvalidValue(
                f"{name} of rule {rule.name!r} can't be {_listed(said)}; give a frozenset of {', '.join(words)}"
            )
    for name in ("feedforward", "feeds", "injects_only", "linear"):
        if not isinstance(said := getattr(rule, name), bool):
            raise InvalidValue(f"{name} of rule {rule.name!r} can't be {shown(said)}; give True or False")


def _listed(said: Any) -> str:
    return shown(sorted(map(str, said)) if isinstance(said, set | frozenset) else said)
