"""The README's code is the examples' code, and every example runs."""

import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import commandlab
import numpy as np
import pytest

import gpufa
from gpufa.rules import RULES
from gpufa.training.settings.toml import read_toml

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
DOCUMENTS = ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")


def run(*args, cwd):
    done = subprocess.run([sys.executable, *map(str, args)], cwd=cwd, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("name", ["own_rule.py", "read_checkpoint.py"])
def test_the_readme_shows_the_examples_to_the_letter(name):
    shown = re.search(rf"<!-- {name} -->\n```python\n(.*?)```\n<!-- end -->", README, re.DOTALL)
    assert shown
    assert shown[1] == (ROOT / "examples" / name).read_text()


def test_a_rule_of_ones_own_fits_thirty_lines_and_trains(tmp_path):
    assert len((ROOT / "examples" / "own_rule.py").read_text().splitlines()) <= 31
    text = run(ROOT / "examples" / "own_rule.py", cwd=tmp_path)
    errors = [float(v) for v in re.findall(r"test error ([\d.]+)", text)]
    assert len(errors) == 3
    assert max(errors) < 6


def test_own_data_and_reading_a_checkpoint(tmp_path):
    text = run(ROOT / "examples" / "own_data.py", "out", cwd=tmp_path)
    assert float(text.split()[-1]) < 5
    text = run(ROOT / "examples" / "read_checkpoint.py", "out/checkpoint.h5", cwd=tmp_path)
    assert "trained by rule dfa with layers [4, 64, 64, 2]" in text


@pytest.mark.parametrize("path", sorted((ROOT / "examples").glob("*.toml")), ids=lambda p: p.name)
def test_every_example_config_trains(path, tmp_path):
    """At small size: on the digits, or a few made images, a narrow net, two epochs."""
    text = path.read_text().replace('data = "mnist"', 'data = "digits"').replace("input 28x28", "input 8x8")
    text = re.sub(r"hidden = (.*)", lambda found: f"hidden = {[12] * (found[1].count(',') + 1)}", text)
    if 'data = "cifar10"' in text:
        text = text.replace('data = "cifar10"', 'data = "cifar10.npz"')
        x, y = np.random.default_rng(0).integers(0, 256, (12, 3, 32, 32)).astype(np.uint8), np.arange(12) % 3
        np.savez(tmp_path / "cifar10.npz", x_train=x, y_train=y, x_test=x[:2], y_test=y[:2])
    if 'data = "cora"' in text:
        text = text.replace('data = "cora"', 'data = "cora.npz"')
        np.savez(
            tmp_path / "cora.npz",
            x=np.eye(6),
            y=np.arange(6) % 2,
            edges=[[0, 2], [1, 3]],
            train=[0, 1],
            val=[2],
            test=[3],
        )
    (tmp_path / "tinyshakespeare.txt").write_text("To be, or not to be, that is the question. " * 40)
    (tmp_path / "small.toml").write_text(text)
    commandlab.run("train", "small.toml", "--epochs", "2", "--out", "run", "--quiet", cwd=tmp_path)
    assert gpufa.load(tmp_path / "run").rule.name == read_toml(path).rule


def test_relative_links_of_the_documents_lead_somewhere():
    for document in DOCUMENTS:
        for link in re.findall(r"\]\((?!https?:)([^)#]+)\)", document.read_text()):
            assert (document.parent / link).exists(), f"{document.name}: {link}"


def test_files_that_the_documents_name_are_there():
    tests = {path.name for path in (ROOT / "tests").rglob("*.py")}
    for document in DOCUMENTS:
        text = document.read_text()
        for path in re.findall(r"\b(?:gpufa|tests|benchmarks|examples)/[\w/]+\.\w+", text):
            assert (ROOT / path).exists(), f"{document.name}: {path}"
        for name in re.findall(r"\b(?:test|record)_\w+\.py\b", text):
            assert name in tests, f"{document.name}: {name}"


def test_the_readme_has_every_command(tmp_path):
    text = run("-c", "from gpufa.commands.main import main; main(['--help'])", cwd=tmp_path)
    commands = re.findall(r"^│ ([a-z]+) ", text, re.MULTILINE)
    assert set(commands) == set(re.findall(r"^gpufa (\w+) ", README, re.MULTILINE))


def test_every_picture_is_described_and_drawn_as_the_document_says(tmp_path):
    from gpufa import plots

    text = (ROOT / "docs" / "pictures.md").read_text()
    assert re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE) == list(plots.PICTURES)
    gpufa.train(gpufa.Config(hidden=(8,), epochs=1, out=str(tmp_path / "runs" / "digits-dfa")))
    (call,) = re.findall(r"`(plots\.draw.*?)` is a matplotlib Figure", text)
    figure = eval(call.replace("runs/", f"{tmp_path}/runs/"), {"plots": plots})
    assert len(figure.axes[0].images) == 1


def test_the_three_ways_of_the_first_screen(tmp_path, monkeypatch, capsys):
    pytest.importorskip("sklearn")
    monkeypatch.chdir(tmp_path)
    (block,) = re.findall(r"<!-- three ways -->\n```python\n(.*?)```\n<!-- end -->", README, re.DOTALL)
    exec(compile(block, "README", "exec"), {})
    *errors, score = map(float, re.findall(r"[\d.]+", capsys.readouterr().out.splitlines()[-1]))
    assert max(errors) < 4
    assert score > 0.95


def test_the_python_of_the_readme_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (block,) = re.findall(r"## From Python\n\n```python\n(.*?)```", README, re.DOTALL)
    exec(compile(block.replace("hidden=(64, 64)", "hidden=(8,), epochs=2"), "README", "exec"), {})


def test_the_rules_of_the_document_train():
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "rules.md").read_text(), re.DOTALL)
    made = {"gpufa": gpufa, "dataclass": dataclass}
    for block in blocks:
        exec(compile(block, "docs/rules.md", "exec"), made)
    rules = [one for one in made.values() if isinstance(one, type) and issubclass(one, gpufa.Rule)]
    assert len(rules) == len(blocks)
    for rule in rules:
        gpufa.train(gpufa.Config(hidden=(8, 8), residual=True, epochs=1, seeds=(0,), backend="numpy"), rule=rule)


def takes(rule, block):
    unit = "logistic" if rule == "rbm" else "tanh"
    below = [] if rule == "nn_lift" or "conv" in block else [f"dense 6 {unit}"]
    try:
        gpufa.Network(["input 1x2x3", *below, block.replace("tanh", unit), "dense 3"], rule=rule, backend="numpy")
    except gpufa.InvalidValue:
        return "no"
    return "yes"


def test_the_table_of_nets_is_what_rules_take():
    text = (ROOT / "docs" / "rules.md").read_text().partition("## Which nets a rule takes")[2].partition("## ")[0]
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", text, re.MULTILINE))
    residual, several = "residual(dense 6 tanh)", "conv 2 1x1 tanh, residual(conv 2 1x1 tanh)"
    kinds = "dense 6 tanh", residual, "conv 2 3x3 tanh, mean pool 2", several, "dense 6 sign"
    assert rows == {rule: " | ".join(takes(rule, block) for block in kinds) for rule in RULES}
