"""Every word of LAYERS is told of, in `gpufa layers` and in docs/layers.md: what it makes, and which rules take it."""

from pathlib import Path

import pytest

import gpufa
from gpufa.commands.layerwords import description, rules_of
from gpufa.commands.main import main
from gpufa.layers import LAYERS, block
from gpufa.rules import RULES

PAGE = (Path(__file__).parents[2] / "docs" / "layers.md").read_text(encoding="utf-8")
every = pytest.mark.parametrize("layer", LAYERS.values(), ids=list(LAYERS))


@every
def test_the_page_has_a_row_of_every_word(layer):
    (row,) = [line for line in PAGE.splitlines() if line.startswith(f"| `{layer.example}` |")]
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert len(cells) == 6
    assert cells[1].startswith(f"`{layer.__name__}(")
    assert all(cells[2:5]), "what it does, its input and its output"
    learns = block(layer.example).layers[0].parameters(layer.sample)
    for name in learns:
        assert f"{name} (" in cells[5]


@every
def test_the_page_names_every_rule_that_takes_a_word(layer):
    said = rules_of(f"{layer.example}, dense 8" if not layer.example.startswith("dense") else "dense 8", layer.sample)
    rules = PAGE[PAGE.index("## Which rules") :]
    for name in () if said == "all" else said.split(", "):
        assert f"`{name}`" in rules, name


def test_the_command_tells_of_every_word(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "2000")
    assert main(["layers"]) == 0
    shown = capsys.readouterr().out
    for layer in LAYERS.values():
        for line in description(layer).split("\n"):
            assert line in shown


def test_what_is_told_is_so():
    told = description(LAYERS["conv1d"])
    assert "'conv1d 32 5', in Python Conv1d, makes 32x100 of 3x100, with W 32x3x5, b 32." in told
    assert told.endswith(f"Rules: {rules_of('conv 8 3x3', (3, 8, 8))}.")
    assert rules_of("dense 8 tanh, dropout 0.5", (8,)) == "all"
    able = rules_of("conv 8 3x3", (3, 8, 8)).split(", ")
    for name in RULES:
        layers, refused = ["input 1x4x4", "conv 2 3x3 tanh", "dense 3"], name not in able
        if refused:
            with pytest.raises(gpufa.InvalidValue, match=f"rule '{name}'"):
                gpufa.Network(layers, rule=name, backend="numpy")
        else:
            gpufa.Network(layers, rule=name, backend="numpy")
