"""The house: rooms one above the other, and imports that go down alone, also those for type checkers."""

import ast
import re
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "gpufa"
# The ground floor first: what stands in a room may import from it and from those before it.
ROOMS = (
    *("basics", "functions", "data", "backends", "parallel", "layers", "net", "rules", "measure", "network"),
    *("export", "training", "checkpoints", "plots", "runs", "sklearn"),
    *("report", "reproductions", "sweep", "commands", "__init__", "__main__"),
)
# Of rooms that have rooms: those within, likewise; what stands beside them may import from all of them.
WITHIN = {
    "data": ("samples", "arrays", "streams", "tables", "graphs", "text", "tasks", "sets"),
    "backends": ("kernels", "operations", "cpu", "gpu", "counting"),
    "layers": ("protocol", "units", "maps", "tokens", "time"),
    "net": ("shape", "state", "batch", "learning"),
    "rules": ("baselines", "alignment", "direct", "forward_only", "targets", "energy", "local", "one_shot", "temporal"),
    "training": ("settings", "sets", "course", "steps"),
}


def file_of(*parts):
    """The file of a module, None where there is none of that name."""
    path = PACKAGE.joinpath(*parts)
    return next((f for f in (path.with_suffix(".py"), path / "__init__.py") if f.is_file()), None)


def imported(path):
    """The files of the package that one of them imports, wherever in it."""
    room = path.relative_to(PACKAGE).parent.parts
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            assert not any(alias.name.split(".")[0] == "gpufa" for alias in node.names), path
        if isinstance(node, ast.ImportFrom) and node.level:
            base = room[: len(room) - node.level + 1] + tuple(node.module.split(".") if node.module else ())
            for alias in node.names:
                yield file_of(*base, alias.name) or file_of(*base)


FILES = {path: set(imported(path)) for path in sorted(PACKAGE.rglob("*.py"))}


def floor(path):
    return ROOMS.index(path.relative_to(PACKAGE).parts[0].removesuffix(".py"))


def named(path):
    return path.relative_to(PACKAGE).as_posix()


def test_imports_go_down():
    found = {(named(f), named(below)) for f, known in FILES.items() for below in known if floor(below) > floor(f)}
    assert not found


@pytest.mark.parametrize("room", WITHIN)
def test_imports_go_down_within_a_room(room):
    def within(path):
        parts = path.relative_to(PACKAGE).parts
        return (*WITHIN[room], "entry").index(parts[1] if len(parts) > 2 else "entry")

    inside = {f for f in FILES if f.relative_to(PACKAGE).parts[0] == room and f != PACKAGE / room / "__init__.py"}
    assert {f.relative_to(PACKAGE).parts[1] for f in inside if len(f.relative_to(PACKAGE).parts) > 2} == {*WITHIN[room]}
    found = {(named(f), named(g)) for f in inside for g in FILES[f] & inside if within(g) > within(f)}
    assert not found


def test_there_is_no_circle():
    try:
        TopologicalSorter(FILES).prepare()
    except CycleError as error:
        raise AssertionError(" -> ".join(map(named, error.args[1]))) from None


def test_nothing_is_imported_from_the_package_itself():
    """Which is all of it: whoever does so depends on whatever stands there."""
    assert not [named(f) for f, known in FILES.items() if PACKAGE / "__init__.py" in known and f.name != "__main__.py"]


def test_every_room_is_described_in_its_place():
    text = (PACKAGE.parent / "CONTRIBUTING.md").read_text().partition("## A minibatch")[0]
    described = re.findall(r"^\| `(\w+)(?:\.py)?` \|", text, re.MULTILINE)
    assert tuple(described) == tuple(room for room in ROOMS if room.strip("_") == room)


def test_no_two_test_files_are_called_the_same():
    """As pytest tells them apart by their names alone."""
    names = [path.name for path in (PACKAGE.parent / "tests").rglob("test_*.py")]
    assert not {name for name in names if names.count(name) > 1}
