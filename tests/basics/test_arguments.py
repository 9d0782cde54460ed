"""What a program hands in, looked at: each refusal is one sentence that names the value."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gpufa
from gpufa import network
from gpufa.backends import get_backend
from gpufa.basics import arguments
from gpufa.basics.errors import FileProblem, GpufaError, InvalidValue, OutOfMemory, room_needed
from gpufa.commands.main import main
from gpufa.data import datasets
from gpufa.data.datasets import load_inputs
from gpufa.data.samples.scaling import fit_scaling
from gpufa.data.samples.splits import split
from gpufa.data.tasks.copying import CopyTask
from gpufa.functions import schedules
from gpufa.rules import make_rule
from gpufa.runs import run as runs

HUGE = 2**16000


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: arguments.one_of(["a"], ("a", "b"), "letter"), "unknown letter ['a']; choose one of a, b"),
        (lambda: arguments.row_of({"a": 1}, "c", "letter", ", or z"), "unknown letter 'c'; choose one of a, or z"),
        (lambda: arguments.several(3, "widths", "[4]"), "widths can't be 3; give a list such as [4]"),
        (lambda: arguments.several("ab", "widths", "[4]"), "widths can't be 'ab'; give a list such as [4]"),
        (lambda: arguments.whole(True, "n"), "n can't be True; give a whole number of at least 1"),
        (lambda: arguments.whole(9, "n", most=8), "n can't be 9; give a whole number of at most 8"),
        (lambda: arguments.positive(HUGE, "lr"), "lr can't be a int too long to write; give a number above 0"),
        (lambda: arguments.positive(float("nan"), "lr"), "lr can't be nan; give a number above 0"),
        (lambda: arguments.path_of(3), "path 3 can't name a file (it is no text); give another path"),
        (lambda: arguments.path_of("a\0"), "path 'a\\x00' can't name a file (it holds a NUL); give another"),
        (lambda: arguments.path_of("a" * 300), "can't name a file (File name too long); give another path"),
        (lambda: arguments.home_path("~nobody-here/x", "data"), "data '~nobody-here/x' begins in a home folder"),
    ],
)
def test_what_is_refused(call: Any, text: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        call()
    assert text in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_what_is_taken() -> None:
    assert arguments.several(range(3), "widths", "[4]") == (0, 1, 2)
    assert arguments.whole(np.int64(3), "n") == 3
    assert arguments.positive(np.float32(0.5), "lr") == 0.5
    assert arguments.path_of(Path("/none/at/all")) == Path("/none/at/all")
    assert arguments.home_path("~") == Path.home()
    assert not arguments.is_number(10**400)


def test_an_error_is_one_line_and_not_too_long() -> None:
    text = str(InvalidValue("a\nb" + "c" * 5000 + "; give less"))
    assert text.startswith("a bccc")
    assert text.endswith("ccc; give less")
    assert len(text) < 1000
    assert str(FileProblem("a")) == "a"


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: gpufa.Config(lr=10**400), "expected a number above 0"),
        (lambda: gpufa.Config(seeds=HUGE), "seeds = a tuple too long to write can't be used"),
        (lambda: gpufa.Config(gradient=np.array([1, 2])), "expected one of mean, sum"),
        (lambda: gpufa.Config(hidden=np.array(5)), "hidden = array(5) can't be used"),
        (lambda: gpufa.Config(patience=2**64), "patience = 18446744073709551616 can't be used"),
        (lambda: gpufa.Config(rule_options={"scale": [None]}), "expected a table of options, as TOML has them"),
        (lambda: gpufa.Config(rule_options={1: 2}), "expected a table of options, as TOML has them"),
        (lambda: gpufa.train(gpufa.Config(), rule=np.ones(2)), "array([1., 1.]) is no learning rule"),
        (lambda: gpufa.load_data("digits", HUGE), "leave out test_fraction=a int too long to write"),
        (lambda: make_rule("dfa", {"rank": 2**64}), "set rule.rank to a whole number of at least 0"),
        (lambda: make_rule("topology", {"sources": [[0.5], HUGE]}), "source 0.5 is no layer's number"),
        (lambda: gpufa.Network([4, 3, 3], rule=make_rule("topology", {"sources": HUGE})), "can't feed layer 1"),
        (lambda: gpufa.train(gpufa.Config(freeze=(2**63,))), "layer 9223372036854775808 can't be frozen"),
        (lambda: make_rule("dfa", {"scale": 10**400}), "set rule.scale to a number above 0"),
        (lambda: make_rule("dfa", {"law": ["sign"]}), "unknown feedback law ['sign']"),
        (lambda: make_rule("elm", {"ridge": HUGE}), "set rule.ridge to a number of at least 0"),
        (lambda: make_rule(3), "3 is no learning rule"),
        (lambda: gpufa.Network(5), "the layers' sizes can't be 5"),
        (
            lambda: gpufa.Network([4, HUGE]),
            "no memory for an array a tuple too long to write of float32, 1,000,000,000,000,000 PB",
        ),
        (lambda: gpufa.Network([4, -HUGE, 3]), "hidden layer 1 has a int too long to write units"),
        (lambda: gpufa.Network([4, 3], seed=-HUGE), "seed a int too long to write can't be used"),
        (lambda: gpufa.Network([4, 3], seeds=5), "seeds can't be 5; give a list such as [0, 1, 2]"),
        (lambda: gpufa.Network([4, 3, 3], activation=5), "activation can't be 5; give a list"),
        (lambda: gpufa.Network([4, 3, 3], activation=[["relu"]]), "unknown activation ['relu']; choose one of"),
        (lambda: gpufa.Network([4, 3], init=True), "init can't be True; give a list"),
        (lambda: gpufa.Network([4, 3], init=[["he"]]), "unknown init ['he']; choose one of zeros"),
        (lambda: gpufa.Network([4, 3], loss=[]), "unknown loss []; choose one of cross_entropy"),
        (lambda: gpufa.Network([4, 3], dtype=np.ones(2)), "unknown dtype array([1., 1.]); choose one of"),
        (lambda: gpufa.Network([4, 3], feedback=np.ones(2)), "unknown feedback array([1., 1.]); choose one of"),
        (lambda: gpufa.Network([4, 3], precision=np.ones(2)), "unknown precision array([1., 1.]); choose one of fp32"),
        (lambda: gpufa.Network([4, 3], init_scale="x"), "init_scale can't be 'x'; give a number above 0"),
        (
            lambda: gpufa.Network([4, 3, 3], residual=np.ones(2)),
            "residual can't be array([1., 1.]); give True or False",
        ),
        (lambda: get_backend("auto", device="x"), "device can't be 'x'; give a whole number of at least 0"),
        (lambda: get_backend(np.ones(2)), "unknown backend array([1., 1.]); choose one of auto, numpy, cupy"),
        (lambda: schedules.factor([], step=0, steps_per_epoch=1, total_steps=1), "unknown schedule []"),
        (lambda: fit_scaling([], np.ones((2, 2))), "scaling [] is unknown; choose from none"),
        (lambda: split(np.arange(4), "x", 0), "the fraction 'x' of the samples can't be held out"),
        (lambda: load_inputs("digits", "x"), "the number of features can't be 'x'"),
        (lambda: load_inputs("digits", HUGE), "the number of features can't be a int too long to write; give a whole"),
        (lambda: gpufa.load_data(3), "or a table with its target; got a int"),
        (lambda: gpufa.load([]), "path [] can't name a file"),
        (lambda: gpufa.train(gpufa.Config(out="a" * 300)), "can't name a file (File name too long)"),
        (lambda: CopyTask(length=10**12), "the copy task's length can't be 1000000000000; give a whole number of at"),
        (lambda: CopyTask(delay=10**12), "the copy task's delay can't be 1000000000000; give a whole number of at"),
        (lambda: gpufa.Network(["input 5x3", "gru 1000000000000", "dense 4"]), "takes 12,000,000,000 PB"),
    ],
)
def test_odd_arguments_of_the_python_api(call: Any, text: str) -> None:
    with pytest.raises(GpufaError) as caught:
        call()
    assert text in str(caught.value)


@pytest.mark.parametrize(
    ("x", "text"),
    [
        ("x", "the inputs is of dtype <U1; give real numbers"),
        ([[1, 2], [3]], "the inputs can't be made a NumPy array"),
        (np.ones((2, 4), complex), "the inputs is of dtype complex128"),
        (None, "the inputs is of dtype object"),
        (np.ones(4), "inputs have shape (4,); expected (samples, 4)"),
    ],
)
def test_odd_arrays_for_a_network(x: Any, text: str) -> None:
    net = gpufa.Network([4, 3], backend="numpy")
    with pytest.raises(InvalidValue) as caught:
        net.predict(x)
    assert text in str(caught.value)
    with pytest.raises(InvalidValue, match="the targets is of dtype object"):
        net.evaluate(np.ones((2, 4)), [None, 1])
    assert net.predict([[1, 2, 3, 4]]).shape == (1, 3)


def test_a_network_is_not_saved_into_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    net = gpufa.Network([4, 3], backend="numpy")
    with pytest.raises(FileProblem, match=r"'\.' is a folder; give the path of a file"):
        gpufa.save(net, ".")
    with pytest.raises(InvalidValue, match="File name too long"):
        gpufa.save(net, "a" * 256)
    gpufa.save(net, "net.h5")
    with pytest.raises(InvalidValue, match="3 is no learning rule"):
        gpufa.load("net.h5", rule=3)


@pytest.mark.parametrize("given", [{"epochs": np.ones(2)}, {"backend": np.ones(2)}])
def test_a_run_is_not_resumed_with_odd_arguments(given: Any, tmp_path: Path) -> None:
    gpufa.train(gpufa.Config(hidden=(3,), epochs=1, seeds=(0,), backend="numpy", out=str(tmp_path)))
    with pytest.raises(InvalidValue, match=r"(epochs|backend) = array\(\[1., 1.\]\) can't be used"):
        gpufa.resume(tmp_path, **given)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("class Mine(:\n", r"can't be imported \(SyntaxError: invalid syntax \(mine.py, line 1\)\); mend it"),
        ("x = 1\n1 / 0\n", r"can't be imported \(line 2, ZeroDivisionError: division by zero\)"),
        ("def f():\n    import nosuch\nf()\n", r"can't be imported \(line 2, ModuleNotFoundError: No module named"),
    ],
)
def test_a_rule_file_that_can_not_be_imported(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(text)
    with pytest.raises(FileProblem, match=message):
        make_rule(f"{tmp_path}/mine.py:Mine")


def test_what_there_is_no_memory_for_is_told_in_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*_: Any) -> None:
        raise MemoryError("Unable to allocate 9 GiB")

    for module, name in ((network, "find_loss"), (datasets, "part_of"), (runs, "data_of")):
        monkeypatch.setattr(module, name, full)
    text = r"there is no memory for this \(Unable to allocate 9 GiB\); use fewer samples, units or seeds"
    for call in (
        lambda: gpufa.Network([4, 3]),
        lambda: gpufa.load_data("digits"),
        lambda: load_inputs("digits", 64),
        lambda: gpufa.train(gpufa.Config(out=None)),
    ):
        with pytest.raises(OutOfMemory, match=text):
            call()
    assert main(["train", "--quiet", "--out", "none"]) == 2
    assert capsys.readouterr().err.startswith("gpufa: there is no memory for this (Unable")
    with pytest.raises(MemoryError), room_needed():
        raise MemoryError


def test_a_rule_file_that_ends_the_program_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "mine.py"
    file.write_text('import gpufa\n\nraise SystemExit("bye")\n')
    assert main(["train", "--rule", f"{file}:Mine"]) == 2
    assert "mine.py' can't be imported (line 3, SystemExit: bye); mend it" in capsys.readouterr().err
