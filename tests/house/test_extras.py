"""What pip installs: the extras, what `all` is, and what the Dockerfiles and documents ask for."""

import configparser
import re
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
SETUP = configparser.ConfigParser()
SETUP.read(ROOT / "setup.cfg")
EXTRAS = {
    name: [Requirement(line) for line in text.splitlines() if line and not line.startswith("#")]
    for name, text in SETUP["options.extras_require"].items()
}
# Not in `all`: what needs a GPU or stands in for one, PyTorch, which on Linux has CUDA, and what few Pythons have.
BESIDE = {"cuda12", "cuda13", "standin", "torch", "bench", "fuzz"}
DOCKERFILES = sorted(ROOT.glob("Dockerfile*"))


def bounds(wanted):
    return {(part.operator, part.version) for part in wanted.specifier}


@pytest.mark.parametrize("name", ["", *EXTRAS])
def test_requirements_have_lower_bounds_alone(name):
    """But for CUDA's libraries, which go by the major version that CuPy is built for."""
    listed = EXTRAS[name] if name else map(Requirement, SETUP["options"]["install_requires"].split())
    for wanted in listed:
        if wanted.name == "gpufa":
            assert set(wanted.extras) <= set(EXTRAS)
        elif wanted.name == "cuda-toolkit":
            assert bounds(wanted) in ({("==", "12.*")}, {("==", "13.*")})
        else:
            assert [operator for operator, _ in bounds(wanted)] == [">="], wanted


def test_all_is_what_a_machine_without_a_gpu_can_run():
    own, torch = EXTRAS["all"]
    assert set(own.extras) == set(EXTRAS) - BESIDE - {"all"}
    assert bounds(torch) == next(bounds(wanted) for wanted in EXTRAS["torch"] if wanted.name == "torch")
    assert not torch.marker.evaluate({"sys_platform": "linux"})
    assert torch.marker.evaluate({"sys_platform": "darwin"})
    brought = {wanted.name for extra in own.extras for wanted in EXTRAS[extra]}
    assert not brought & {"torch", "jax", "cuda-toolkit", "cupy-cuda12x", "cupy-cuda13x"}
    assert {wanted.name for wanted in EXTRAS["torch"]} - brought == {"torch"}


def test_every_extra_is_described():
    text = (ROOT / "docs" / "platforms.md").read_text().partition("## Extras")[2].partition("## ")[0]
    assert set(re.findall(r"^\| `\[(\w+)\]` \|", text, re.MULTILINE)) == set(EXTRAS)


def test_extras_that_are_named_exist():
    documents = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "gpufa").rglob("*.py"), ROOT / ".ci/run"]
    for path in [*documents, *DOCKERFILES]:
        for named in re.findall(r"(?:gpufa|'\.|/src)\[([a-z0-9,]+)\]", path.read_text()):
            assert set(named.split(",")) <= set(EXTRAS), f"{path.name}: {named}"


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.name)
def test_dockerfiles_install_what_is_there(path):
    text = path.read_text()
    python = re.search(r"^FROM python:3\.(\d+)-slim$", text, re.MULTILINE)
    assert int(python[1]) >= int(SETUP["options"]["python_requires"].rpartition(".")[2])
    assert text.count("[") == text.count("]")
    assert ("cuda12" in re.search(r"/src\[([a-z0-9,]+)\]", text)[1]) == (path.suffix == ".cuda12")
    ignored = (ROOT / ".dockerignore").read_text().split()
    assert not {"gpufa", "setup.cfg", "pyproject.toml", "README.md", "LICENSE"} & set(ignored)


def test_the_citation_is_of_the_form_and_names_the_licence_and_its_holder():
    """CFF 1.2: these keys have to be there, and authors have names."""
    text = (ROOT / "CITATION.cff").read_text()
    keys = re.findall(r"^([a-z-]+):", text, re.MULTILINE)
    assert len(keys) == len(set(keys))
    assert {"cff-version", "message", "title", "authors"} <= set(keys)
    assert "cff-version: 1.2.0\n" in text
    holder = re.search(r"Copyright \(c\) \d+ (.*)", (ROOT / "LICENSE").read_text())[1]
    assert re.findall(r"^  - name: (.*)$", text, re.MULTILINE) == [holder]
    assert f"license: {SETUP['metadata']['license']}\n" in text
