"""Pages of files that other pages link to: of Python its text, of the rest the file as it is."""

import posixpath
import subprocess
from collections.abc import Iterable

from links import ROOT, place

HIDDEN = "---\nsearch:\n  exclude: true\n---\n"  # from the site's search, which has the reference


def pages(paths: Iterable[str]) -> dict[str, str | bytes]:
    """By place on the site, what stands there for these files and folders, and for the files of each folder."""
    made: dict[str, str | bytes] = {}
    for path in sorted(paths):
        if (ROOT / path).is_dir():
            inside = files(path)
            made[place(path)] = folder(path, inside)
            made |= {place(one): file(one) for one in inside}
        else:
            made[place(path)] = file(path)
    return made


def files(path: str) -> list[str]:
    """The files of a folder, in all folders within it, that are kept in the repository."""
    done = subprocess.run(["git", "ls-files", path], cwd=ROOT, capture_output=True, text=True, check=False)
    names = done.stdout.split() or [str(p.relative_to(ROOT)) for p in (ROOT / path).rglob("*") if p.is_file()]
    return sorted(name for name in names if "__pycache__" not in name)


def file(path: str) -> str | bytes:
    """A page of a Python file's text, or the bytes of any other."""
    if not path.endswith(".py"):
        return (ROOT / path).read_bytes()
    return f"{HIDDEN}# {path}\n\n``````python\n{(ROOT / path).read_text(encoding='utf-8')}``````\n"


def folder(path: str, inside: Iterable[str]) -> str:
    """A page that lists a folder's files."""
    here = posixpath.dirname(place(path))
    entries = (f"- [{one}]({posixpath.relpath(place(one), here)})" for one in inside)
    return f"{HIDDEN}# {path}\n\n" + "\n".join(entries) + "\n"
