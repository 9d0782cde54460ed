"""A study as its TOML file says it: rules, each with a search space, and the same number of trials for each.

rules         names in a list, or a table of them, rules.NAME, each with settings and a space of its own
trials        of each rule
sampler       tpe, random or grid
pruner        median, hyperband or none: which trials are stopped early, by their validation error so far
warmup        epochs before which none is
seed          of the sampler
fresh_seeds   how many seeds, none of the search's, the best setting of each rule is trained with
storage       sqlite or journal, a file in the study's folder, or the URL of a database
[settings]    of every run, as a config file has them
[space]       what they may be in a trial, see space.py; rule.NAME is an option of the rule
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, get_type_hints

from ..basics.arguments import path_of, several, shown
from ..basics.errors import FileProblem, InvalidValue
from ..basics.ownfiles import is_own
from ..data.datasets import of_a_graph
from ..data.samples.about import Wanted
from ..functions.parts import Part, parts_of
from ..rules import rule_class
from ..training.settings.config import Config
from .plan import OF_A_RULE, Arm, Plan, tried
from .space import dimension

# Settings that a study gives its runs itself, and what says them in its file.
GIVEN = {
    "out": "gpufa sweep STUDY.toml --out FOLDER is the folder of all runs",
    "rule": "rules has the rules",
    "start": "each run starts from its own seeds",
    "blind": "no trial sees the test samples",
}
# Settings that decide which samples a trial is judged by, or how these are read, once for all trials.
JUDGED_BY = frozenset(
    {"data", "test_fraction", "validation", "samples", "seeds", "stream"} | (set(Wanted._fields) - {"strict"})
)


def read(path: str | Path, own: Sequence[str] = (), parts: Sequence[Part | str] = ()) -> Plan:
    """The study in a file, with rules of one's own that are among `own`, and parts of one's own.

    Raises FileProblem where the file is missing or no TOML, InvalidValue for what it can't say.
    """
    path = path_of(path, "study")
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise FileProblem(f"study {str(path)!r} does not exist; give the path of a TOML file") from None
    except OSError as error:
        raise FileProblem(f"study {str(path)!r} can't be read ({error.strerror}); give a TOML file") from error
    except (ValueError, RecursionError) as error:
        raise FileProblem(f"study {str(path)!r} is no valid TOML: {error}") from error
    return plan_of(table, own, parts)


def plan_of(table: Mapping[str, Any], own: Sequence[str] = (), parts: Sequence[Part | str] = ()) -> Plan:
    """The study that a table says. Raises InvalidValue for what it can't say."""
    known = [f.name for f in fields(Plan) if f.name not in ("arms", "said")]
    for name in table:
        if name not in (*known, "rules", "settings", "space"):
            raise InvalidValue(
                f"a study has no {shown(name)}; it has rules, {', '.join(known)}, [settings] and [space]: settings of"
                " the runs stand in [settings]"
            )
    if "trials" not in table:
        raise InvalidValue("the study does not say how many trials each rule gets; add trials = 30, say")
    arms = tuple(_arms(table, own, parts_of(parts)))
    said = {name: value for name, value in table.items() if name != "storage"}
    return Plan(arms, said=said, **{name: table[name] for name in known if name in table})


def _arms(table: Mapping[str, Any], own: Sequence[str], parts: tuple[Part, ...]) -> list[Arm]:
    rules = table.get("rules", ())
    if not isinstance(rules, Mapping):
        named = [*several(rules, "rules", '["bp", "dfa"]')]
        if twice := [name for name in named if named.count(name) > 1]:
            raise InvalidValue(f"the study names the rule {shown(twice[0])} twice; name it once")
        rules = {name: {} for name in named}
    if not rules:
        raise InvalidValue('the study names no rule; add rules = ["bp", "dfa"], say')
    settings, space = _named(table, "settings"), _named(table, "space")
    found: list[Arm] = []
    for rule, about in rules.items():
        if is_own(rule) and rule not in own:
            raise InvalidValue(
                f"the study names the rule {rule!r}, and no code runs because a file names it; name it yourself,"
                f" --rules {rule}"
            )
        if not isinstance(about, Mapping) or not about.keys() <= {"settings", "space"}:
            raise InvalidValue(f"rules.{rule} = {shown(about)} can't be read; it may have settings and a space")
        mine = _named(about, "settings", f"rules.{rule}.settings")
        if shared := mine.keys() & JUDGED_BY:
            raise InvalidValue(
                f"{min(shared)} decides what trials are judged by, and must be the same for all rules; move it from"
                f" rules.{rule}.settings to [settings]"
            )
        arm = Arm(rule, rule_class(rule).name, {**settings, **mine}, parts=parts)
        if arm.name in [other.name for other in found]:
            raise InvalidValue(f"two of the rules have the name {arm.name!r}; give them different names")
        found.append(_searched(arm, {**space, **_named(about, "space", f"rules.{rule}.space")}))
    return found


def _named(table: Mapping[str, Any], part: str, where: str = "") -> dict[str, Any]:
    """The settings in a part of a table by flat names, `rule.scale`. Raises InvalidValue where a study has its own."""
    found = table.get(part, {})
    if not isinstance(found, Mapping):
        raise InvalidValue(f"{where or part} = {shown(found)} is no table; give settings by their names")
    options = found.get("rule", {})
    for name in found:
        if name in GIVEN and not (name == "rule" and isinstance(options, Mapping) and "name" not in options):
            raise InvalidValue(f"{where or part} has {name}, which a study gives itself: {GIVEN[name]}; leave it out")
        if part == "space" and name in JUDGED_BY:
            raise InvalidValue(
                f"{where or part} has {name}, which decides what trials are judged by, so that their errors can't be"
                " compared; put one value into [settings]"
            )
    flat = {name: value for name, value in found.items() if name != "rule"}
    return flat | {f"{OF_A_RULE}{name}": value for name, value in options.items()}


def _searched(arm: Arm, space: Mapping[str, Any]) -> Arm:
    """The rule with its space. Raises InvalidValue where its settings or one end of a dimension can't be used, and
    where nothing is held out to choose by."""
    config = tried(arm, {})
    if not config.validation and not of_a_graph(config.data):  # which says itself which nodes validate
        raise InvalidValue(
            "a study chooses by the validation error, and validation = 0 holds no samples out; add validation = 0.1 to"
            " [settings], as --validation 0.1 does for a run (test data never choose anything)"
        )
    if not space:
        raise InvalidValue(
            f"there is nothing to search for rule {arm.name!r}; add a [space], such as lr = {{ low = 1e-4, high = 0.1,"
            " log = true }"
        )
    both = sorted(space.keys() & arm.settings.keys())
    if both:
        raise InvalidValue(f"{both[0]} stands in the settings and in the space; leave one of them out")
    hints, options = get_type_hints(Config), get_type_hints(rule_class(arm.rule))
    found = []
    for name, said in space.items():
        bare = name.removeprefix(OF_A_RULE)
        hint = hints.get(name, Any) if bare == name else options.get(bare, Any)
        if hint is Any:
            tried(arm, {name: said})  # which says that there is no such setting or option
        found.append(made := dimension(name, said, hint))
        for value in made.ends:
            tried(arm, {name: value})
    return Arm(arm.rule, arm.name, arm.settings, tuple(found), arm.parts)
