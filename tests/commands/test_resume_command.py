"""gpufa resume says what is so: why a run can't go on, and what a resumed one can't change."""

import inspect

import numpy as np
import pytest

import gpufa
from gpufa.commands import flags
from gpufa.commands.main import main
from gpufa.commands.train import resume

RUN = {"hidden": (4,), "seeds": (0, 1), "backend": "numpy", "samples": 200}


def said(capsys, *args, code=0):
    assert main(["resume", *map(str, args)]) == code
    done = capsys.readouterr()
    text = done.err if code else done.out
    assert text.count("\n") == 1
    return text


def test_seeds_that_have_all_stopped(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    settings = gpufa.Config(**RUN, validation=0.3, patience=1, lr=1e-9, epochs=50, out="r")
    epochs = gpufa.train(settings).summary["epochs"]
    assert epochs < 50
    for more in ([], ["--epochs", "80"], ["--epochs", str(epochs)]):
        text = said(capsys, "r", *more)
        assert text.startswith(f"every seed of r has stopped (patience), the last after epoch {epochs}, and more")
        command = text.strip().partition("gpufa ")[2]
        assert command == "train r/config.toml --start r --out ANOTHER"
    assert main([*command.split(), "--quiet", "--epochs", "1"]) == 0
    assert (tmp_path / "ANOTHER" / "checkpoint.h5").exists()


def test_fewer_epochs_than_there_were(tmp_path, capsys):
    gpufa.train(gpufa.Config(**RUN, epochs=3, out=str(tmp_path)))
    assert "has finished its 3 epochs already; give --epochs to train on" in said(capsys, tmp_path)
    text = said(capsys, tmp_path, "--epochs", 2)
    assert "has trained 3 epochs already, and --epochs 2 asks for fewer; give more" in text


@pytest.mark.parametrize("given", [["--lr", "0.1"], ["--lr=0.1"], ["--layer_lr", "1"], ["--set", "rule.scale=2"]])
def test_another_setting_is_explained(given, capsys):
    text, flag = said(capsys, "run", *given, code=2), given[0].partition("=")[0].replace("_", "-")
    assert f"a resumed run goes on as if never stopped, and {flag} would change it" in text
    assert f"gpufa train RUN/config.toml --start RUN {flag} ... --out ANOTHER" in text


def test_every_setting_that_resume_takes_is_known():
    taken = inspect.signature(resume).parameters.keys()
    assert set(flags.RESUMED) == taken - {"run", "quiet", "processes", "tokenizer"}


def test_another_rate_from_the_weights_of_a_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    first = gpufa.train(gpufa.Config(**RUN, epochs=2, scaling="standard", out="r"))
    again = "train r/config.toml --start r --lr 0.001 --epochs 0 --out next --quiet"
    assert main(again.split()) == 0
    np.testing.assert_array_equal(gpufa.load("next").parameters["W1"], first.network.parameters["W1"])


def test_the_length_of_a_schedule_is_a_flag(tmp_path, capsys):
    gpufa.train(gpufa.Config(**RUN, schedule="cosine", epochs=1, out=str(tmp_path)))
    assert "add --schedule-epochs 2 to stretch it" in said(capsys, tmp_path, "--epochs", 2, code=2)
    with pytest.warns(gpufa.GpufaWarning, match="goes over 2 epochs from here on, and went over 1"):
        assert main(["resume", str(tmp_path), "--epochs", "2", "--schedule-epochs", "2", "--quiet"]) == 0
