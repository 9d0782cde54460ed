"""The settings of a run as flags: in groups, the most used first, with what they are where they aren't given."""

import dataclasses
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from functools import cache
from typing import Annotated, Any, get_type_hints

from cyclopts import Group, Parameter
from docstring_parser import parse_from_object

from ..basics.errors import GpufaError, InvalidValue
from ..basics.laws import LAWS
from ..data.samples.scaling import SCALINGS
from ..data.samples.weights import as_typed
from ..data.sets.namedsets import DESCRIPTIONS
from ..functions.activations import ACTIVATIONS
from ..functions.augmentations import AUGMENTATIONS
from ..functions.initialisers import INITIALISERS
from ..functions.losses import LOSSES
from ..functions.optimizers import OPTIMIZERS
from ..functions.schedules import SCHEDULES
from ..rules import make_rule
from ..training.settings.config import Config
from ..training.settings.groups import SETTINGS
from ..training.settings.toml import with_options

FIRST = (
    *("data", "target", "task", "scaling", "rule", "hidden", "activation", "layers"),
    *("optimizer", "lr", "batch_size", "epochs", "seeds", "backend", "out"),
)
NAMES: dict[str, Collection[str]] = {
    "data": DESCRIPTIONS,
    "scaling": SCALINGS,
    "augment": AUGMENTATIONS,
    "activation": ACTIVATIONS,
    "loss": LOSSES,
    "init": INITIALISERS,
    "optimizer": OPTIMIZERS,
    "schedule": SCHEDULES,
}
RESUMED = (
    "epochs",
    "schedule_epochs",
    "rule",
    "parts",
    "backend",
    "device",
    "data",
)  # what a run may go on with

AS_FLAGS: dict[str, Any] = dict.fromkeys(("class_weights", "parts"), tuple[str, ...])  # where not the settings' types


def refuse_changes(args: Sequence[str]) -> None:
    """Raises InvalidValue where the arguments of gpufa resume set what a run can't go on with."""
    given = [arg.partition("=")[0].removeprefix("--").replace("-", "_") for arg in args if arg.startswith("--")]
    fixed = {f.name for f in dataclasses.fields(Config)} - set(RESUMED) | {"set"}
    for name in given:
        if name in fixed:
            flag = name.replace("_", "-")
            raise InvalidValue(
                f"a resumed run goes on as if never stopped, and --{flag} would change it; a new run may start from its"
                f" weights: gpufa train RUN/config.toml --start RUN --{flag} ... --out ANOTHER"
            )


def flags_of(base: Config, rule: str | None, without: Collection[str] = ()) -> type:
    """A dataclass of the settings but `without`, each None where its flag isn't given. Its help shows the values of
    `base`, and of that rule where they are its own."""
    first, hints = Group("The most used", sort_key=0), get_type_hints(Config)
    own = _own_defaults(base, rule)
    made: list[tuple[str, Any, Any]] = []
    for key, kind in enumerate(SETTINGS, start=1):
        group = Group((kind.__doc__ or "").rstrip("."), sort_key=key)
        texts = _texts(kind)
        for field in dataclasses.fields(kind):
            name = field.name
            if name in (*without, "rule_options"):
                continue
            value = getattr(base, name)
            shown = own.get(name) if value is None else _text(value)
            about = Parameter(
                group=first if name in FIRST else group,
                help=_help(name, texts[name] or ""),
                show_default=_always(shown) if shown else False,
            )
            made.append((name, Annotated[AS_FLAGS.get(name, hints[name]) | None, about], None))
    return dataclasses.make_dataclass("Flags", made, namespace={"__module__": __name__}, frozen=True)


@cache
def _texts(kind: type) -> dict[str, str | None]:
    """What its source says of each field."""
    return {p.arg_name: p.description for p in parse_from_object(kind).params}


def config_of(base: Config, flags: Any, options: tuple[str, ...]) -> Config:
    """The settings of `base` with the flags that are given, and with `--set`. Options of a rule in `base` are for the
    rule that it names alone."""
    given = {name: value for name, value in vars(flags).items() if value is not None}
    if "class_weights" in given:
        given["class_weights"] = as_typed(given["class_weights"])
    if given.get("rule", base.rule) != base.rule:
        given["rule_options"] = {}
    return with_options(dataclasses.replace(base, **given), options)


def options_of(rule: str) -> str:
    """What can be said of --set, with the options that the rule has."""
    text = "an option of the rule, rule.NAME=VALUE; may be given several times"
    with suppress(GpufaError):  # told when it is run
        made = make_rule(rule)
        options = " ".join(f"rule.{name}={_text(value) or 'false'}" for name, value in vars(made).items())
        laws = f"; laws are {', '.join(LAWS)}" if "law" in vars(made) else ""
        text += f"; {made.name} has {options or 'none'}{laws}"
    return text


def _own_defaults(base: Config, rule: str | None) -> dict[str, str]:
    """What the settings that `base` leaves open are by that rule, where there is one."""
    with suppress(GpufaError):
        if rule is not None:
            made = make_rule(rule)
            values = vars(base.resolved(made))
            whose = {name: f", {made.name}'s" if name in made.defaults else "" for name in values}
            return {name: f"{_text(value)}{whose[name]}" for name, value in values.items() if _text(value)}
    return {}


def _always(text: str) -> Callable[[Any], str]:
    return lambda value: text


def _help(name: str, text: str) -> str:
    """The setting in words, with the names that there are."""
    names = f"; {', '.join(NAMES[name])}" if name in NAMES else ""
    return " ".join(text.split()) + names


def _text(value: Any) -> str:
    """A value as it is typed; empty for nothing."""
    if isinstance(value, tuple):
        return " ".join(map(_text, value))
    if value is None or value is False:
        return ""
    return f"{value:g}" if isinstance(value, float) else "true" if value is True else str(value)
