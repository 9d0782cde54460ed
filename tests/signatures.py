"""gpufa/sklearn/parameters.py, made of Config's fields and gpufa/sklearn/names.py.

python tests/signatures.py    writes it anew
"""

import ast
import inspect
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import NamedTuple

from gpufa.sklearn import names
from gpufa.training.settings import groups

FILE = Path(names.__file__).with_name("parameters.py")
HEAD = '''"""The parameters of the estimators: made by `python tests/signatures.py`, not by hand."""

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any, Literal

from ..functions.activations import Activation
from ..net.learning.rule import Rule


@dataclass(eq=False, repr=False)
class Parameters:
    """
'''


class Parameter(NamedTuple):
    name: str
    kind: str
    default: str
    text: str


def fields_of(module):
    """Field, type, default and text of the dataclasses of a module, as its source has them."""
    for node in ast.parse(inspect.getsource(module)).body:
        if isinstance(node, ast.ClassDef):
            for field, text in zip(node.body, [*node.body[1:], None], strict=True):
                if isinstance(field, ast.AnnAssign):
                    told = " ".join(ast.literal_eval(text.value).split()) if isinstance(text, ast.Expr) else ""
                    yield field.target.id, ast.unparse(field.annotation), ast.unparse(field.value), told


def in_general(kind):
    """A type as it is taken: any sequence for a tuple."""
    return kind.replace("tuple[", "Sequence[").replace(", ...]", "]")


def parameters():
    """All of them, in the order of the signature."""
    made = {}
    for field, *row in fields_of(groups):
        if field not in names.ELSEWHERE:
            kind, default, text = names.OTHERWISE.get(field, row)
            made[field] = Parameter(names.parameter(field), in_general(kind), default, names.in_parameters(text))
    ahead = [made.pop(field) for field in (*names.FIRST, *names.NEXT)]
    return [*ahead, *(Parameter(*field) for field in fields_of(names)), *made.values()]


def text():
    rows = parameters()
    width = max(len(row.name) for row in rows) + 2
    told = [
        textwrap.fill(
            row.text, 112, initial_indent=row.name.ljust(width), subsequent_indent=" " * width, break_on_hyphens=False
        )
        for row in rows
    ]
    lines = [f"{row.name}: {row.kind} = {row.default}" for row in rows]
    lines.insert(len(names.FIRST), "_: KW_ONLY")
    source = HEAD + textwrap.indent("\n".join([*told, '"""', "", *lines]), " " * 4)
    ruff = [sys.executable, "-m", "ruff", "format", "--stdin-filename", str(FILE), "-"]
    return subprocess.run(ruff, input=source, capture_output=True, text=True, check=True).stdout


if __name__ == "__main__":
    FILE.write_text(text())
