"""The tests that hold a rule to its paper: those of its kind that name it."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

from links import ROOT

from gpufa.rules import Rule


class Proof(NamedTuple):
    """A test: its file in the repository, its first line there, and what it says that it shows."""

    file: str
    line: int
    says: str


def proofs(rule: type[Rule]) -> list[Proof]:
    """The tests of tests/rules that name the rule, as the command line does or by its class."""
    named = re.compile(rf"[\"']{rule.name}[\"']|\b{rule.__name__}\b")
    return [proof for proof, source in tests() if named.search(source)]


@cache
def tests() -> tuple[tuple[Proof, str], ...]:
    return tuple(found for path in sorted((ROOT / "tests" / "rules").rglob("test_*.py")) for found in _of(path))


def _of(path: Path) -> Iterator[tuple[Proof, str]]:
    """The tests of a file, each with its source, its decorators' among it."""
    source = path.read_text(encoding="utf-8")
    lines = source.splitlines()
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            start = min([node.lineno, *(mark.lineno for mark in node.decorator_list)])
            says = node.name.removeprefix("test_").replace("_", " ")
            yield (
                Proof(path.relative_to(ROOT).as_posix(), node.lineno, says),
                "\n".join(lines[start - 1 : node.end_lineno]),
            )
