"""What MkDocs calls while it builds the site: pages that are made of code join those that are written."""

from pathlib import Path
from typing import Any

import links
import notebooks
import reference
import rulepages
import sources
from links import ROOT
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

from gpufa.rules import RULES

NOTEBOOKS = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "examples").glob("*.ipynb"))


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Fill the parts of the navigation that stand for tables of the package: its rules, its public API."""
    made = {
        "Every rule": [{name: rulepages.place(name)} for name in RULES],
        "Reference": [{Path(page).stem: page} for page in reference.pages()],
    }
    config.nav = filled(config.nav or [], made)
    return config


def filled(nav: list[Any], made: dict[str, Any]) -> list[Any]:
    """The navigation with the parts of these titles in their places."""
    return [
        {title: made.get(title, filled(part, made) if isinstance(part, list) else part)}
        for entry in nav
        for title, part in entry.items()
    ]


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that are made, and pages of whatever files they and the written ones link to."""
    written = {f"docs/{file.src_uri}": text(f"docs/{file.src_uri}") for file in files.documentation_pages()}
    from_files = {name: text(name) for name in links.NAMED}
    from_files |= {name: notebooks.page(ROOT / name) for name in NOTEBOOKS}
    of_rules = {rulepages.place(name): rulepages.page(name) for name in RULES}
    wanted = {path for name, page in (written | from_files).items() for path in links.targets(page, name)}
    # A rule's page is written as if it stood in docs/rules/.
    wanted |= {path for name, page in of_rules.items() for path in links.targets(page, f"docs/{name}")}
    made: dict[str, Any] = {links.place(name): moved(page, name) for name, page in from_files.items()}
    for name in NOTEBOOKS:
        made[links.place(name)] += notebooks.foot(name)
        made[f"source/{name}"] = (ROOT / name).read_bytes()
    made |= {name: links.moved(page, f"docs/{name}", name) for name, page in of_rules.items()}
    made |= reference.pages()
    there = made.keys() | {file.src_uri for file in files}
    shown = [path for path in wanted if links.place(path) not in there and (ROOT / path).exists()]
    made = sources.pages(shown) | made  # in which notebooks are guides, and so stay
    for name, content in made.items():
        files.append(File.generated(config, name, content=content))
    return files


def on_page_markdown(markdown: str, page: Any, config: MkDocsConfig, files: Files) -> str:
    """Turn the links of a written page to where files are on the site."""
    if page.file.generated_by:
        return markdown
    return links.moved(markdown, f"docs/{page.file.src_uri}", page.file.src_uri)


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def moved(page: str, name: str) -> str:
    return links.moved(page, name, links.place(name))
