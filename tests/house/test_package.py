"""The package as users get it: built, and installed beside nothing but what it says that it needs."""

import configparser
import os
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from importlib.metadata import distribution, version
from pathlib import Path
from shutil import copy, copytree, ignore_patterns, which

import pytest
from packaging.requirements import Requirement

import gpufa

ROOT = Path(__file__).parents[2]
if int(version("setuptools").partition(".")[0]) < 77:
    pytest.skip("the package is built by setuptools 77 or newer (pip install '.[test]')", allow_module_level=True)
pytest.importorskip("build")


def done(*args, cwd, **environment):
    kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "GPUFA_CXX")}
    ran = subprocess.run(
        list(map(str, args)), cwd=cwd, env=kept | environment, capture_output=True, text=True, timeout=120
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def needed(requirements, seen):
    """Add the distributions that these lines name, and those that they need, to those seen."""
    for wanted in map(Requirement, requirements):
        if wanted.name not in seen and (wanted.marker is None or wanted.marker.evaluate({"extra": ""})):
            seen[wanted.name] = distribution(wanted.name)
            needed(seen[wanted.name].requires or (), seen)
    return seen.values()


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The folder with the sdist, and the wheel that is made of it."""
    folder = tmp_path_factory.mktemp("package")
    for name in (".ci", "gpufa", "benchmarks", "data", "docs", "examples", "tests"):
        copytree(ROOT / name, folder / "tree" / name, ignore=ignore_patterns("__pycache__"))
    for path in ROOT.iterdir():
        if path.is_file():
            copy(path, folder / "tree")
    done(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder / "dist", folder / "tree", cwd=folder)
    return folder / "dist"


@pytest.fixture(scope="module")
def installed(built, tmp_path_factory):
    """The folder of programs of an environment with the wheel and what it needs, and nothing else."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, symlinks=True)
    packages = Path(sysconfig.get_path("purelib", vars={"base": str(folder)}))
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    for one in needed(setup["options"]["install_requires"].split(), {}):
        for top in {file.parts[0] for file in one.files or ()} - {"..", "__pycache__"}:
            if not (packages / top).exists():
                (packages / top).symlink_to(one.locate_file(top))
    programs = folder / "bin"
    (wheel,) = built.glob("*.whl")
    install = "install", "--quiet", "--no-deps", "--no-index", "--disable-pip-version-check", wheel
    done(sys.executable, "-m", "pip", "--python", programs / "python", *install, cwd=folder)
    return programs


def files_of_the_package():
    return {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "gpufa").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and not path.name.startswith(".")
    }


def test_the_wheel_has_every_file_of_the_package_and_no_other(built):
    (wheel,) = built.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert {name for name in names if ".dist-info/" not in name} == files_of_the_package()
    kinds = {Path(name).suffix for name in names} | {Path(name).name for name in names}
    assert kinds >= {".cu", ".cuh", ".cpp", ".hpp", ".toml", ".j2", "digits.npz", "py.typed", "LICENSE"}


def test_version_and_licence_are_those_of_the_source(built):
    assert {path.name for path in built.iterdir()} == {
        f"gpufa-{gpufa.__version__}.tar.gz",
        f"gpufa-{gpufa.__version__}-py3-none-any.whl",
    }
    (wheel,) = built.glob("*.whl")
    metadata = zipfile.ZipFile(wheel).read(f"gpufa-{gpufa.__version__}.dist-info/METADATA").decode()
    assert f"\nVersion: {gpufa.__version__}\n" in metadata
    assert "\nLicense: MIT\n" in metadata


def test_the_source_has_what_packagers_want(built):
    (source,) = built.glob("*.tar.gz")
    with tarfile.open(source) as file:
        names = {name.partition("/")[2] for name in file.getnames()}
    assert names >= files_of_the_package()
    named = (
        ".ci/run",
        "LICENSE",
        "CITATION.cff",
        "CHANGELOG.md",
        "docs/rules.md",
        "examples/own_rule.py",
        "tests/conftest.py",
    )
    assert names >= {*named, "tests/house/test_package.py"}


def test_the_version_is_written_once():
    """All else reads it: pip, gpufa --version, checkpoints."""
    found = []
    for path in [*(ROOT / "gpufa").rglob("*.py"), *ROOT.glob("*.toml"), *ROOT.glob("*.cfg"), *ROOT.glob("*.cff")]:
        found += [path.name for line in path.read_text().splitlines() if f'"{gpufa.__version__}"' in line]
    assert found == ["version.py"]


def test_the_command_works_where_it_is_installed(installed, tmp_path):
    assert done(installed / "gpufa", "--version", cwd=tmp_path).strip() == f"gpufa {gpufa.__version__}"
    done(installed / "gpufa", "train", "--epochs", "1", "--quiet", cwd=tmp_path, CUDA_VISIBLE_DEVICES="")
    assert (tmp_path / "runs" / "digits-dfa" / "curves.png").exists()
    done(installed / "gpufa", "report", "runs/digits-dfa", "--out", "report.html", cwd=tmp_path)
    assert "nokland2016-table1" in done(installed / "gpufa", "reproduce", "list", cwd=tmp_path)


def test_it_works_without_a_compiler(installed, tmp_path):
    said = done(installed / "gpufa", "info", cwd=tmp_path, GPUFA_CXX="")
    assert "no C++ compiler" in " ".join(said.split())
    program = (
        "import gpufa\n"
        "layers = 'input 1x8x8', 'conv 4 3x3 tanh, pool 2', 'dense 8 tanh'\n"
        "run = gpufa.train(gpufa.Config(layers=layers, optimizer='adam', epochs=1, seeds=(0,)))\n"
        "print(gpufa.__file__, *run.summary['test_error'])\n"
    )
    where, error = done(installed / "python", "-c", program, cwd=tmp_path, GPUFA_CXX="").split()[-2:]
    assert Path(where).is_relative_to(installed.parent)
    assert 0 <= float(error) <= 100


def test_the_doctor_looks_at_a_bare_environment(installed, tmp_path):
    """Whether something is wrong is this machine's business, and its exit code."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHONPATH", "OPENBLAS"))}
    args = [installed / "gpufa", "doctor"]
    ran = subprocess.run(args, cwd=tmp_path, env=kept, capture_output=True, text=True, timeout=60)
    assert ran.returncode in (0, 1)
    assert "CuPy" in ran.stdout
    assert not ran.stderr


def test_extras_are_not_needed(installed, tmp_path):
    """The environment has none, and a command that needs one says which."""
    program = "import importlib.util as u; print([n for n in ('sklearn', 'onnx', 'torch', 'cupy') if u.find_spec(n)])"
    assert done(installed / "python", "-c", program, cwd=tmp_path).strip() == "[]"
    done(installed / "gpufa", "train", "--epochs", "1", "--quiet", cwd=tmp_path)
    args = [installed / "gpufa", "export", "runs/digits-dfa", "model.onnx"]
    ran = subprocess.run(args, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert ran.returncode == 2
    assert "gpufa[onnx]" in ran.stderr


def test_mypy_finds_the_types(installed, tmp_path):
    """By its strictest settings, on a program that says what it expects."""
    copy(ROOT / "tests" / "house" / "typed_user.py", tmp_path / "program.py")
    run = sys.executable, "-m", "mypy", "--strict", "--python-executable", installed / "python", "program.py"
    assert "Success" in done(*run, cwd=tmp_path)


@pytest.mark.skipif(which("pyright") is None, reason="pyright is not installed")
def test_pyright_finds_the_types(installed, tmp_path):
    copy(ROOT / "tests" / "house" / "typed_user.py", tmp_path / "program.py")
    (tmp_path / "pyrightconfig.json").write_text('{"typeCheckingMode": "standard", "include": ["program.py"]}')
    assert "0 errors" in done("pyright", "--pythonpath", installed / "python", cwd=tmp_path)
