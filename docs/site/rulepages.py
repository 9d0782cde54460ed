"""A page for each rule in RULES, made of what the rule says of itself, of the documents' tables, and of its tests."""

import inspect
import re
import sys
import tomllib
from dataclasses import fields

import flow
import proofs
import tables
from links import ROOT

from gpufa import reproductions
from gpufa.rules import RULES, Rule

PAGE = """# {name}

{title}

```text
{equation}
```

{svg}

{legend}.

| what | |
|---|---|
| paper | {paper} |
| crosses between layers | {crosses} |
| kept beyond the net | {memory} |
| frees of backprop's locks | {frees} |
| needs of a net | {needs} |
| makes | {makes} |
| file | [{file}](../../{file}) |

```bash
gpufa train --rule {name}
```

{options}

## In the documents

{documents}

## What holds it to the paper

{proofs}

Every rule is also trained on bare defaults and resumed bit for bit:
[test_every_rule.py](../../tests/house/test_every_rule.py).

## Figures

{figures}
"""


def place(name: str) -> str:
    """Where a rule's page stands."""
    return f"rules/{name}.md"


def page(name: str) -> str:
    """A rule's page, with links as if it stood in docs/rules/."""
    cls = RULES[name]
    rule = cls()
    module = inspect.getdoc(sys.modules[cls.__module__]) or ""
    title, _, equation = module.partition("\n")
    file = f"{cls.__module__.replace('.', '/')}.py"
    return PAGE.format(
        name=name,
        title=title,
        equation=equation.strip("\n"),
        svg=flow.svg(rule),
        legend=sentence(flow.legend(rule)),
        paper=rule.paper,
        crosses=quoted(rule.crosses),
        memory=quoted(rule.memory or "nothing"),
        frees=rule.frees or "none",
        needs=", ".join(sorted(rule.needs)) or "nothing",
        makes=", ".join(sorted(rule.makes)),
        file=file,
        options=options(cls),
        documents=written(name) or "No table of [rules.md](../rules.md) has a row of it.",
        proofs=proven(cls),
        figures="\n".join(figures(name)) or "None but those above.",
    )


def options(cls: type[Rule]) -> str:
    """Its hyperparameters and what they are unless told."""
    rows = [f"| `{field.name}` | `{field.default!r}` |" for field in fields(cls)]
    if not rows:
        return "It has no options."
    return "Options, each by `--set rule.NAME=VALUE`:\n\n| option | unless told |\n|---|---|\n" + "\n".join(rows)


def written(name: str) -> str:
    """The rows of docs/rules.md that are this rule's."""
    text = document("rules.md")
    return "\n".join(
        part for _, part in tables.excerpt("rules.md", text, lambda _, row: tables.first(row) == f"`{name}`")
    )


def proven(cls: type[Rule]) -> str:
    """A line for each test that names it."""
    by_file: dict[str, list[str]] = {}
    for proof in proofs.proofs(cls):
        by_file.setdefault(proof.file, []).append(proof.says)
    return "\n".join(f"- [{file}](../../{file}): " + "; ".join(says) for file, says in by_file.items())


def figures(name: str) -> list[str]:
    """Its rows in the documents of results, and the first picture of each published experiment that has it."""
    found = [
        text for _, text in tables.excerpt("mnist.md", document("mnist.md"), lambda _, row: commanded(row) == name)
    ]
    cells = {f"{one}#{cell}" for one in reproductions.names() for cell in trained_by(one, name)}
    for table, text in tables.excerpt(
        "reproductions.md",
        document("reproductions.md"),
        lambda table, row: f"{table.heading}#{tables.first(row)}" in cells,
    ):
        found += [text, *(picture.replace("](", "](../") + "\n" for picture in table.pictures[:1])]
    return found


def commanded(row: str) -> str:
    """The rule that a row's command trains by: its flag's, or its file's."""
    command = tables.first(row)
    if flag := re.search(r"--rule (\w+)", command):
        return flag[1]
    file = re.search(r"examples/\w+\.toml", command)
    rule = tomllib.loads((ROOT / file[0]).read_text(encoding="utf-8"))["rule"] if file else ""
    return rule["name"] if isinstance(rule, dict) else rule


def trained_by(experiment: str, name: str) -> list[str]:
    """The cells of a published experiment that the rule trains."""
    return [cell.name for cell in reproductions.find(experiment).cells if cell.config().rule == name]


def document(name: str) -> str:
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


def quoted(text: str) -> str:
    """Plain text for a cell of a table, in which _ and * are themselves."""
    return re.sub(r"([_*|])", r"\\\1", text)


def sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
