"""Command lines: what stands in each place is right, wrong or missing; every run is short, and in the folder."""

import contextlib
import io
from typing import Any

from gpufa.basics.arguments import shown
from gpufa.commands.main import main

from .material import Material
from .settings import ANY_RULE, FOUND, GOOD, OPTIONS, PATHS

ALIKE = FOUND[:1], FOUND[:1], PATHS  # groups of words for one place: each group is as likely as the others
DATA = ("--data",), FOUND[1:], FOUND[1:], PATHS
PLACES: dict[str, tuple[tuple[tuple[str, ...], ...], ...]] = {
    "train": (DATA[:1], DATA[1:]),
    "compare": (DATA[:1], DATA[1:], (("--rules",),), (ANY_RULE,), (ANY_RULE,)),
    "predict": (ALIKE, DATA[1:]),
    "evaluate": (ALIKE, DATA[:1], DATA[1:]),
    "inspect": (ALIKE,),
    "resume": (ALIKE,),
    "plot": (ALIKE, (("--pictures",),), (("curves", "weights", "confusion", "none", ""),)),
    "report": (ALIKE, ALIKE),
    "data": ((("list", "fetch", "none"),), (("digits", "mnist", "cifar", ""),)),
    "reproduce": ((("list", "none", "", "\0"),), (("--quick", "--seeds", "--epochs"),), (("0", "x", "--quiet"),)),
    "rules": (),
    "info": (),
    "nonsense": (),
}
TRAIN = "train", "compare"
OWN_RULES = "train", "predict", "evaluate", "resume", "plot", "report"
SETTINGS = tuple(name for name in GOOD if name not in ("data", "rule"))
VALUES = "0.5", "0", "1", "x", "[", "true", "sign"
OUT = "o", "o", "o", "", "tiny.csv", "a" * 300, "\0"
SLIPS = "--none", "--help", "-", "--", "=", "--set", "é", "--seeds="
SHORT = "--epochs", "1", "--quiet", "--force", "--out"


def command(m: Material) -> None:
    """A whole command line; raises where its answer is none of those promised."""
    words, parsed = line(m), True
    said, printed = io.StringIO(), io.StringIO()
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(printed):
        try:
            code = main(words)
        except SystemExit as end:  # the parser's own: usage, and --help
            code, parsed = end.code, False
    text = said.getvalue()
    assert code in ((0, 2, 3) if parsed else (0, 2)), f"exit code {code} for {words}: {text}"
    assert "Traceback" not in text, f"a traceback for {words}: {text}"
    sentence = text.startswith("gpufa: ") and text.count("\n") == 1
    assert sentence or not parsed or code != 2, f"no sentence for {words}: {text}"


def line(m: Material) -> list[str]:
    """The words of a command."""
    name = m.one_of((*TRAIN, *PLACES))
    words = [m.one_of(m.one_of(groups)) for groups in PLACES[name]]
    if name in TRAIN:
        words += [word for setting in m.some_of(SETTINGS) for word in flag(setting, m.usually(GOOD[setting]))]
        words += ["--set", f"rule.{m.one_of(OPTIONS)}={m.one_of(VALUES)}"] if m.rarely() else []
        words += ["--hidden", "3"] if "--hidden" not in words else []
        words += [*SHORT, m.one_of(OUT)]
    if name in OWN_RULES and m.rarely():
        words += ["--rule", m.one_of(ANY_RULE)]
    if m.rarely(6):
        words.insert(m.below(len(words) + 1), m.one_of(SLIPS))
    return [name, *(word.encode("utf-8", "replace").decode() for word in words)]


def flag(setting: str, value: Any) -> list[str]:
    values = value if isinstance(value, tuple | list) else [value]
    return [f"--{setting.replace('_', '-')}", *(shown(v).strip("'") for v in values)]
