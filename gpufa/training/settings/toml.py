"""Config as a TOML file, and as the JSON in a checkpoint."""

import dataclasses
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...basics.arguments import path_of, shown
from ...basics.errors import FileProblem, InvalidValue
from ...layers.words import stand_ins
from .config import Config

LATER = {
    "blind": False,
    "target_scaling": "none",
    "decay_on": "all",
    "calibrate": 0,
    "schedule_at": (),
    "overlap": False,
    "stream": "auto",
}  # settings that older files lack, and are left out where they change nothing


def from_mapping(table: Mapping[str, Any], base: Config | None = None) -> Config:
    """A Config from a TOML table: flat names, and `rule` a name or a table [rule] of its name and options.

    Raises InvalidValue for a name that is no setting and for values of the wrong type.
    """
    settings = dict(table)
    rule = settings.get("rule")
    if isinstance(rule, Mapping):
        options = dict(rule)
        name = options.pop("name", None)
        settings.pop("rule")
        settings |= {"rule": name} if name else {}
        settings["rule_options"] = options
    if "parts" in settings:
        raise InvalidValue(
            f"parts = {shown(settings['parts'])} can't stand in a file, as no code runs because a file names it; name"
            " them yourself, --parts path/to/file.py:NAME"
        )
    known = [f.name for f in dataclasses.fields(Config) if f.name != "parts"]
    for name in settings:
        if name not in known:
            raise InvalidValue(
                f"unknown setting {shown(name)}; the settings are {', '.join(n for n in known if n != 'rule_options')}"
            )
    try:
        return dataclasses.replace(base or Config(), **settings)
    except TypeError as error:
        raise InvalidValue(
            f"a setting has a value of the wrong type ({error}); compare it with gpufa train --help"
        ) from error


def stored(metadata: Mapping[str, Any]) -> Config:
    """The settings in a checkpoint, to be read: in their layers, activations of one's own are stand-ins."""
    table = metadata["config"]
    return from_mapping(table, Config(parts=tuple(stand_ins(table.get("layers") or ()))))


def to_mapping(config: Config) -> dict[str, Any]:
    """The reverse of from_mapping, without `parts`, of which it has the names, and what is None, or LATER and left out;
    lists in place of tuples, so that JSON and TOML agree."""
    flat = {f.name: getattr(config, f.name) for f in dataclasses.fields(config)}
    options, rule, _ = flat.pop("rule_options"), flat.pop("rule"), flat.pop("parts")
    table = {k: list(v) if isinstance(v, tuple) else v for k, v in flat.items() if v is not None and LATER.get(k) != v}
    return table | {"rule": {"name": rule, **options}}


def read_toml(path: str | Path) -> Config:
    """The Config in a TOML file. Raises FileProblem where it is missing or no TOML, InvalidValue for a bad setting."""
    path = path_of(path, "config file")
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise FileProblem(f"config file {str(path)!r} does not exist; give the path of a TOML file") from None
    except OSError as error:
        raise FileProblem(
            f"config file {str(path)!r} can't be read ({error.strerror}); give the path of a TOML file"
        ) from error
    except (ValueError, RecursionError) as error:
        raise FileProblem(f"config file {str(path)!r} is no valid TOML: {error}") from error
    return from_mapping(table)


def to_toml(config: Config) -> str:
    """The text of config.toml."""
    import tomli_w

    return tomli_w.dumps(to_mapping(config))


def with_options(config: Config, assignments: tuple[str, ...]) -> Config:
    """`config` with `--set rule.NAME=VALUE` applied; values are read as TOML, and as plain text where they are none."""
    options = dict(config.rule_options)
    for assignment in assignments:
        name, equals, text = assignment.partition("=")
        if not equals or not name.startswith("rule."):
            raise InvalidValue(
                f"--set {assignment!r} can't be read; write --set rule.NAME=VALUE, such as rule.scale=0.5"
            )
        try:
            options[name.removeprefix("rule.")] = tomllib.loads(f"value = {text}")["value"]
        except (ValueError, RecursionError):
            options[name.removeprefix("rule.")] = text
    return dataclasses.replace(config, rule_options=options)
