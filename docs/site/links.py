"""Where each file of the repository stands on the site, and the links that lead there.

Pages link as GitHub needs it, by paths in the repository. On the site README.md is the first page, a page of docs stays
where it is, a notebook is a guide, and any other file that a page links to is shown, or handed out, under source/.
"""

import posixpath
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
NAMED = {"README.md": "index.md", "CONTRIBUTING.md": "contributing.md", "CHANGELOG.md": "changelog.md"}
LINK = re.compile(r"\]\((?!\w+:|#)([^)\s#]+)(#[^)\s]*)?\)")


def place(path: str) -> str:
    """The page or file of the site that shows this file or folder of the repository."""
    if path in NAMED:
        return NAMED[path]
    inside, _, rest = path.partition("/")
    if inside == "docs":
        return rest
    if path.endswith(".ipynb"):
        return f"guides/{Path(path).stem}.md"
    if (ROOT / path).is_dir():
        return f"source/{path}/index.md"
    return f"source/{path}.md" if path.endswith(".py") else f"source/{path}"


def targets(text: str, origin: str) -> set[str]:
    """The files and folders of the repository that a page, itself the file `origin`, links to."""
    return {_target(link, origin) for link, _ in LINK.findall(text)}


def moved(text: str, origin: str, page: str) -> str:
    """The text of the file `origin` with its links as they are on the site's page."""

    def link(found: re.Match[str]) -> str:
        there = posixpath.relpath(place(_target(found[1], origin)), posixpath.dirname(page) or ".")
        return f"]({there}{found[2] or ''})"

    return LINK.sub(link, text)


def _target(link: str, origin: str) -> str:
    return posixpath.normpath(posixpath.join(posixpath.dirname(origin), link))
