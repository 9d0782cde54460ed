"""What a network is given, looked at: each of these raises InvalidValue for what it can't be."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import MISSING, fields, replace
from numbers import Integral
from typing import Any

from ...basics.arguments import several, shown
from ...basics.errors import InvalidValue
from ...basics.random import check_seed
from ...functions.activations import Activation
from ...functions.activations import activation as find_activation
from ...functions.parts import Part
from ...layers.protocol.layer import Layer
from ...layers.words import block, inputs
from ..shape.layout import Layout, as_wide_as_below
from .rule import Rule


def replica_seeds(seeds: Any) -> tuple[int, ...]:
    """The seeds of the replicas, one for each."""
    found = tuple(check_seed(seed) for seed in several(seeds, "seeds", "[0, 1, 2]"))
    if not found:
        raise InvalidValue("seeds is empty; give at least one, such as --seeds 0 1 2")
    if len(set(found)) < len(found):
        raise InvalidValue(f"seeds {list(found)} repeat one; replicas of one seed are the same network: give each once")
    return found


def layout_of(sizes: Sequence[Any], activation: Any, residual: bool, rule: Rule, parts: Sequence[Part] = ()) -> Layout:
    """The blocks that sizes, such as [784, 800, 10], or layers, such as ["input 784", "dense 800 tanh", "dense 10"],
    stand for."""
    given = several(sizes, "the layers' sizes", "[784, 800, 800, 10]")
    if not isinstance(residual, bool):
        raise InvalidValue(f"residual can't be {shown(residual)}; give True or False")
    if not any(isinstance(one, str | Layer | list | tuple) for one in given):
        units = whole_units(given)
        functions = _activations(rule.defaults["activation"] if activation is None else activation, units, parts)
        return Layout.dense(units, functions, _residual(units) if residual else ())
    if activation is not None or residual:
        what, value = ("activation", activation) if activation is not None else ("residual", residual)
        raise InvalidValue(
            f"{what} = {shown(value)} is for nets given by sizes; say it in the layers, such as 'dense 64 tanh' or"
            " 'residual(dense 64 tanh)'"
        )
    first = inputs(given[0])
    if first is None or len(given) < 2:
        raise InvalidValue(
            f"layers {shown(list(given))} must begin with the inputs and end with the outputs; give such as"
            " ['input 64', 'dense 16 tanh', 'dense 10']"
        )
    return Layout.of(first, [block(one, parts) for one in given[1:]])


def check_fit(layout: Layout, rule: Rule, others: Mapping[str, type[Rule]]) -> None:
    """Raises InvalidValue where a block lacks what the rule needs, with those of the others that could do. A rule with
    a way forward of its own needs plain layers, unless it says by "pull" that it goes by blocks."""
    _check_stops(layout)
    for k in layout.every:
        needs = rule.needs if rule.feedforward or "pull" in rule.needs else rule.needs | {"matrix", "plain"}
        lacking = needs - layout.offers(k)
        missing = [what for what in WANTED if what in lacking]
        if not missing:
            continue
        if missing == ["derivative"] and not layout.layered:
            remedy = " or ".join(f"leave --set rule.{name} out" for name in _options_that_add(rule, "derivative"))
            raise InvalidValue(
                f"activation {layout.activations[k - 1]!r} of hidden layer {k} has derivative zero, so rule"
                f" {rule.name!r} would never train it; {remedy or INJECTED}"
            )
        offered = frozenset.intersection(*(layout.offers(j) for j in layout.every))
        at_fault = _options_at_fault(rule, missing[0])
        able = [name for name, other in others.items() if other().needs & WANTED.keys() <= offered]
        out = "leave --residual out, in words residual(...)" if k in layout.residual else "leave that block out"
        out = "let it be one dense layer for each sample" if k == layout.L else out
        if missing[0] == "matrix" and (one := layout.blocks[k - 1].one_dense) and one.dropout:
            raise InvalidValue(
                f"rule {rule.name!r} takes hidden blocks that all drop the same share of their units, and block {k} is"
                f" '{layout.blocks[k - 1]}'; give all of them the same dropout, or none"
            )
        if at_fault:
            able = [name for name in able if name != rule.name]
        way = " and".join(f" with {name} = {value!r}" for name, value in at_fault.items())
        leave = f"leave --set rule.{' and rule.'.join(at_fault)} out, " if at_fault else ""
        raise InvalidValue(
            f"rule {rule.name!r}{way} {WANTED[missing[0]]}, and block {k} is '{layout.blocks[k - 1]}'; {leave}use one"
            f" of {', '.join(able)}, or {out}"
        )


def _check_stops(layout: Layout) -> None:
    """Raises InvalidValue where something learns below a layer through which no error goes."""
    below: Layer | None = None
    for k in layout.every:
        for layer, shape in layout.walk(k):
            if layer.stops and below is not None:
                raise InvalidValue(
                    f"no error goes down through '{layer}' of block {k} to '{below}', which would not learn; put it in"
                    " front of all that does"
                )
            below = layer if below is None and layer.parameters(shape) else below


def _options_at_fault(rule: Rule, what: str) -> dict[str, Any]:
    """The options, by name, each of which alone makes a rule need that of a net; none where it does by default."""
    defaults = _changed(rule)
    plain = replace(rule, **defaults)
    if what in plain.needs:
        return {}
    changed = {name: getattr(rule, name) for name in defaults}
    return {name: value for name, value in changed.items() if what in replace(plain, **{name: value}).needs}


def _options_that_add(rule: Rule, what: str) -> list[str]:
    """The options without each of which a rule would not need that of a net."""
    return [name for name, default in _changed(rule).items() if what not in replace(rule, **{name: default}).needs]


def _changed(rule: Rule) -> dict[str, Any]:
    """The defaults, by name, of the options that a rule has otherwise."""
    defaults = {field.name: field.default for field in fields(rule) if field.default is not MISSING}
    return {name: default for name, default in defaults.items() if getattr(rule, name) != default}


INJECTED = "use rule 'dfa' with --set rule.inject=pre_activation"
WANTED = {
    "matrix": "takes blocks of one dense layer each",
    "plain": "goes through the net in a way of its own, which knows no skip connections",
    "single": "takes blocks in which one layer learns, under no skip connection",
    "output": "takes outputs of one dense layer, an error for each sample",
    "apart": "sends noise through each matrix by itself, of layers that have no second one",
    "amounts": "changes the inputs, which numbers of tokens don't bear",
    "timeless": "knows no layers that go through time a step after the other",
    "ungated": "is of recurrent layers without gates",
    "pull": "takes blocks that can hand an error down",
    "derivative": "learns through derivatives that are not zero everywhere",
}


def whole_units(units: Iterable[int]) -> tuple[int, ...]:
    """Units per layer from any sequence of whole numbers, inputs first; raises InvalidValue for anything else."""
    found = several(units, "the layers' sizes", "[784, 800, 800, 10]")
    for n in found:
        if isinstance(n, bool) or not isinstance(n, Integral):
            raise InvalidValue(f"layer size {shown(n)} is no whole number; give sizes such as [784, 800, 800, 10]")
    found = tuple(int(n) for n in found)
    if len(found) < 2:
        raise InvalidValue(
            f"a network needs at least inputs and outputs; got sizes {shown(list(found))}: give [64, 16, 10]"
        )
    for k, n in enumerate(found):
        if n < 1:
            kind = "the input" if k == 0 else "the output layer" if k == len(found) - 1 else f"hidden layer {k}"
            raise InvalidValue(f"{kind} has {shown(n)} units; every layer needs at least one: give --hidden 800 800")
    return found


def _activations(names: Any, units: Sequence[int], parts: Sequence[Part]) -> list[Activation]:
    """The hidden layers' activations, from one for all or one each, by name or as rows."""
    hidden = len(units) - 2
    names = (
        [names] * hidden
        if isinstance(names, str | Activation)
        else list(several(names, "activation", '["tanh", "relu"]'))
    )
    if len(names) == 1:
        names *= hidden
    if len(names) != hidden:
        raise InvalidValue(
            f"{len(names)} activations were given for {hidden} hidden layers; give one for all or one for each"
        )
    return [find_activation(name, parts) for name in names]


def _residual(units: Sequence[int]) -> tuple[int, ...]:
    """The hidden layers that get a skip connection."""
    found = as_wide_as_below(units)
    if not found:
        raise InvalidValue(
            f"no hidden layer of {list(units)} is as wide as the one below, so none can have a skip"
            " connection; give --hidden 64 64 64, or leave --residual out"
        )
    return found
