"""What the command line refuses: one sentence, exit code 2, and nothing lost."""

import os
from pathlib import Path

import pytest
from commandlab import FAST

import gpufa
from gpufa.commands.main import main


@pytest.mark.parametrize(
    ("args", "text"),
    [
        (["train", "--rule", "dfaa"], "unknown rule 'dfaa'; choose one of bp, shallow, fa, dfa"),
        (["train", "--hidden", "8", "0"], "hidden layer 2 has 0 units"),
        (["train", "--data", "cifar"], "cifar"),
        (["train", "--data", "nothing.npz"], "nothing.npz"),
        (["train", "missing.toml"], "config file 'missing.toml' does not exist"),
        (["train", "a" * 300 + ".toml"], "can't name a file (File name too long); give another path"),
        (["train", "--set", f"rule.scale={'[' * 3000}"], "set rule.scale to a number above 0"),
        (["train", "--set", f"rule.scale={'9' * 5000}"], "set rule.scale to a number above 0"),
        (["train", "--hidden", "1000000000000"], "there is no memory for an array (3, 75"),
        (
            ["train", "--hidden", "1000000000000", "1000000000000", "--memory"],
            "is more than any machine can hold; reduce",
        ),
        (["train", "--data", "~nobody-here/x.npz"], "begins in a home folder that isn't there; give another path"),
        (["train", "--set", "scale=2"], "write --set rule.NAME=VALUE"),
        (["train", "--set", "rule.size=2"], "rule 'dfa' has no option 'size'"),
        (["train", "--activation", "sign"], "use rule 'dfa' with --set rule.inject=pre_activation"),
        (
            ["train", "--epochs", "-1"],
            "epochs = -1 can't be used; expected a whole number of at least 0: change --epochs",
        ),
        (["resume", "nowhere"], "nowhere"),
        (["evaluate", "nowhere"], "nowhere"),
        (["predict", "nowhere", "digits"], "nowhere"),
        (["inspect", "nowhere"], "nowhere"),
        (["plot", "nowhere"], "nowhere"),
        (["data", "fetch"], "needs a name"),
        (["data", "fetch", "cifar"], "cifar"),
        (["compare", "--rules", "bp", "nope"], "unknown rule 'nope'"),
        (["compare", "--rules"], "gpufa compare needs a rule"),
        (["compare", "--rules", "bp", "pepita", "--residual", "--hidden", "8", "8"], "leave --residual out"),
        (["compare", "--rules", "bp", "dfa", "--start", "nowhere"], "checkpoint 'nowhere' does not exist"),
        (["inspect", "nowhere.toml"], "checkpoint 'nowhere.toml' does not exist"),
        (["train", "--data", "nowhere.toml"], "data 'nowhere.toml' is unknown"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_2(args, text, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(args) == 2
    error = capsys.readouterr().err
    assert error.startswith("gpufa: ")
    assert text in error
    assert len(error.strip().splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_backend_cupy_without_a_gpu_says_why(tmp_path, monkeypatch, capsys):
    from gpufa.backends import why_no_gpu

    if not why_no_gpu():
        pytest.skip("this machine has a usable GPU")
    monkeypatch.chdir(tmp_path)
    assert main(["train", "--backend", "cupy"]) == 2
    assert why_no_gpu() in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("hidden = [3", "is no valid TOML"),
        (f"lr = {'9' * 5000}", "is no valid TOML: Exceeds the limit"),
        (f"lr = {'[' * 3000}", "is no valid TOML: maximum recursion depth exceeded"),
        (f"lr = 0x{'f' * 9000}", "lr = a int too long to write can't be used; expected a number above 0"),
        ("hiden = [3]", "unknown setting 'hiden'"),
        ("batch_size = 'many'", "batch_size = 'many' can't be used"),
        ("lr = 'fast'", "lr = 'fast' can't be used; expected a number above 0"),
        ("rule = 3", "rule = 3 can't be used; expected a name or a path"),
        ("hidden = ['a']", "hidden = ('a',) can't be used; expected whole numbers: change --hidden"),
        ("seeds = 'abc'", "expected one or more whole numbers of at least 0: change --seeds"),
        ("backend = 'tpu'", "backend = 'tpu' can't be used; expected one of auto, numpy, cupy"),
    ],
)
def test_bad_config_files(text, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("c.toml").write_text(text)
    assert main(["train", "c.toml"]) == 2
    assert message in capsys.readouterr().err


def test_an_existing_run_is_not_overwritten_without_force(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["train", *FAST, "--out", "r", "--quiet"]) == 0
    before = (tmp_path / "r" / "checkpoint.h5").read_bytes()
    assert main(["train", *FAST, "--out", "r", "--rule", "fa", "--quiet"]) == 2
    assert "add --force" in capsys.readouterr().err
    assert (tmp_path / "r" / "checkpoint.h5").read_bytes() == before
    assert main(["train", *FAST, "--out", "r", "--rule", "fa", "--quiet", "--force"]) == 0
    assert gpufa.load("r").rule.name == "fa"


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_an_unwritable_folder(tmp_path, monkeypatch, capsys):
    tmp_path.chmod(0o500)
    assert main(["train", *FAST, "--out", str(tmp_path / "r"), "--quiet"]) == 2
    assert "can't be written (Permission denied); give another --out" in capsys.readouterr().err


def test_a_file_where_the_folder_should_be(tmp_path, capsys):
    (tmp_path / "r").write_text("")
    assert main(["train", *FAST, "--out", str(tmp_path / "r" / "s"), "--quiet"]) == 2
    assert "can't be written (Not a directory); give another --out" in capsys.readouterr().err


def test_compare_looks_at_every_folder_before_it_trains(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["train", *FAST, "--out", "c/dfa", "--quiet"]) == 0
    assert main(["train", *FAST, "--out", "c/dfa", "--quiet"]) == 2
    said = capsys.readouterr().err
    compare = ["compare", "--rules", "bp", "dfa", *FAST, "--out", "c", "--quiet"]
    assert main(compare) == 2
    assert capsys.readouterr().err == said
    assert not Path("c/bp").exists()
    assert main([*compare, "--force"]) == 0


def test_compare_tells_rules_of_one_name_from_each_other(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("mine.py").write_text("import gpufa\n\nclass DFA(gpufa.rules.DFA):\n    pass\n")
    assert main(["compare", "--rules", "dfa", "mine.py:DFA", *FAST, "--out", "c"]) == 2
    assert "two of the rules have the name 'dfa'" in capsys.readouterr().err
    assert not Path("c").exists()


def test_a_picture_that_can_not_be_written_does_not_cost_the_table(tmp_path, capsys):
    (tmp_path / "compare.png").mkdir()
    assert main(["compare", "--rules", "bp", "dfa", *FAST, "--out", str(tmp_path)]) == 2
    shown = capsys.readouterr()
    assert "compare.png' can't be written (Is a directory)" in shown.err
    first = [line.split()[1] for line in shown.out.splitlines() if line.startswith("│")]
    assert [name for name in first if name != "│"] == ["bp", "dfa", "shallow"]  # the other lines are wrapped cells
    assert (tmp_path / "compare.csv").exists()


def test_only_a_command_that_trains_takes_a_config_file_and_only_one(trained, tmp_path, monkeypatch, capsys):
    file = trained[0] / "runs" / "digits-dfa" / "config.toml"
    assert main(["plot", str(file)]) == 2
    assert "config.toml' is no gpufa checkpoint" in capsys.readouterr().err
    monkeypatch.chdir(tmp_path)
    assert main(["train", "--quiet", str(file), "--hidden", "4", "--out", "a.toml"]) == 0
    assert main(["train", str(file), "--hidden", "4", "--out=b.toml", "--quiet"]) == 0
    assert gpufa.load("a.toml").sizes.units == gpufa.load("b.toml").sizes.units == (64, 4, 10)
    assert main(["train", str(file), str(file), "--out", "c"]) == 2
    assert "Unused Tokens" in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.toml", "b.toml"]
