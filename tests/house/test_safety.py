"""No code runs because a file names it: no pickle, no eval; a rule of one's own only where the user says its name."""

import ast
from pathlib import Path

import pytest

import gpufa
from gpufa.commands.main import main

PACKAGE = Path(gpufa.__file__).parent
RUN_CODE = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "marshal", "shelve", "runpy", "code"}
MINE = """
import pathlib
from dataclasses import dataclass
import gpufa

pathlib.Path(__file__).with_suffix(".ran").write_text("ran")

@dataclass(frozen=True)
class Mine(gpufa.Rule):
    def deltas(self, net, e):
        for k in net.hidden:
            net.delta[k].fill(0)
"""


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_nothing_that_is_read_can_run(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.name for alias in node.names] + [getattr(node, "module", None) or ""]
            assert not {name.partition(".")[0] for name in names} & RUN_CODE
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            assert called not in ("eval", "exec", "compile", "__import__")
            if called in ("np.load", "numpy.load"):
                assert {k.arg: ast.unparse(k.value) for k in node.keywords}["allow_pickle"] == "False"
            if called.endswith("exec_module"):
                assert path == PACKAGE / "basics" / "ownfiles.py"


@pytest.fixture
def trained(tmp_path, monkeypatch):
    """A run by a rule of one's own, and the mark that its file leaves when it is imported, taken away."""
    monkeypatch.chdir(tmp_path)
    Path("mine.py").write_text(MINE)
    flags = ["--hidden", "4", "--epochs", "1", "--seeds", "0", "--quiet", "--backend", "numpy"]
    assert main(["train", "--rule", "mine.py:Mine", *flags, "--out", "run"]) == 0
    Path("mine.ran").unlink()
    return Path("mine.ran")


@pytest.mark.parametrize(
    "command",
    [
        ["resume", "run", "--epochs", "2"],
        ["train", "run/config.toml", "--out", "again"],
        ["evaluate", "run"],
        ["predict", "run", "digits"],
    ],
    ids=lambda c: c[0],
)
def test_a_file_that_names_a_rule_does_not_run_it(trained, command, capsys):
    assert main(command) == 2
    said = capsys.readouterr().err
    assert "mine" in said
    assert said.count("\n") == 1
    assert not trained.exists()
    assert main([*command, "--rule", "mine.py:Mine"]) == 0
    assert trained.exists()


def test_looking_at_a_run_does_not_run_its_rule(trained):
    for command in (["inspect", "run"], ["plot", "run"], ["report", "run", "--out", "report.html"]):
        assert main(command) == 0
    assert not trained.exists()
