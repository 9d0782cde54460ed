"""All code of docs/export.md runs, in order, where its libraries are."""

import re
import shlex
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from gpufa.commands.main import main

TEXT = (Path(__file__).parents[2] / "docs" / "export.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", TEXT, re.DOTALL)
LIBRARIES = "torch", "onnxruntime"


def needs(block):
    return {
        name for name in LIBRARIES if re.search(rf"\b{name}\b|\.pt\b" if name == "torch" else rf"\b{name}\b", block)
    }


@pytest.mark.parametrize("library", LIBRARIES)
def test_the_code_of_the_document_runs(library, tmp_path, monkeypatch):
    if not find_spec(library):
        pytest.skip(f"{library} is not installed")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    ran = 0
    for language, block in BLOCKS:
        if needs(block) - {library}:
            continue
        ran += 1
        if language == "python":
            exec(compile(block, "docs/export.md", "exec"), {})
            continue
        for line in block.splitlines():
            words = shlex.split(line, comments=True)[1:]
            if words[0] == "train":
                words += ["--epochs", "1", "--quiet", "--backend", "numpy"]
            if not words[-1].endswith(".onnx") or find_spec("onnx"):
                assert main(words) == 0
    assert ran == (6 if library == "torch" else 2)
    sys.modules.pop("model", None)
