"""What stands in a run's folder: nothing of it is written over, ignored or taken for something else without a word."""

import warnings
from pathlib import Path

import numpy as np
import pytest

import gpufa
from gpufa.basics import files

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 3))
SHORT = {"rule": "dfa", "hidden": (4,), "epochs": 1, "seeds": (0,), "backend": "numpy"}


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def table(path, header="a,b,c,label", names="np"):
    lines = [f"{','.join(f'{v:.3f}' for v in x)},{names[int(x[0] > 0)]}" for x in X]
    Path(path).write_text("\n".join([header, *lines, ""]))
    return path


@pytest.mark.parametrize("name", ["config.toml", "history.csv", "summary.json", "curves.png"])
def test_a_file_that_no_run_has_written_stays(name):
    Path("out").mkdir()
    Path("out", name).write_text("mine")
    with pytest.raises(
        gpufa.FileProblem, match=f"'out' holds {name}, which a run would write over; give another --out"
    ):
        gpufa.train(gpufa.Config(**SHORT, data=table("t.csv"), out="out"))
    assert [path.name for path in Path("out").iterdir()] == [name]
    assert Path("out", name).read_text() == "mine"
    gpufa.train(gpufa.Config(**SHORT, data="t.csv", out="out"), force=True)
    assert Path("out", "checkpoint.h5").exists()


def test_settings_that_were_changed_beside_the_checkpoint_are_told():
    gpufa.train(gpufa.Config(**SHORT, data=table("t.csv"), out="out"))
    file = Path("out/config.toml")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        gpufa.resume("out", epochs=2)
    text = file.read_text()
    file.write_text(text.replace("epochs = 2", "epochs = 7") + "\n")
    assert file.read_text() != text
    with pytest.warns(
        gpufa.GpufaWarning, match="has another epochs than the checkpoint, which counts; resume has --epo"
    ):
        assert gpufa.resume("out").summary["epochs"] == 2
    file.write_text("= no TOML")
    gpufa.resume("out")


@pytest.mark.parametrize(
    ("header", "names", "told"),
    [
        (
            "c,b,a,label",
            "np",
            r"was trained on the features a, b, c, and the data have c, b, a: they take each other's",
        ),
        ("a,b,c,label", "zp", "was trained on the classes n, p, and the data have p, z"),
        ("a,b,c,label", "np", None),
    ],
)
def test_a_start_from_other_columns_or_classes_is_told(header, names, told):
    gpufa.train(gpufa.Config(**SHORT, data=table("t.csv"), out="out"))
    config = gpufa.Config(**SHORT, data=table("o.csv", header, names), start="out")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        gpufa.train(config)
    said = " ".join(str(one.message) for one in caught)
    assert told in said if told else "was trained on" not in said


@pytest.mark.parametrize("blind", [False, True])
def test_test_samples_in_another_unit_are_told(blind):
    bytes_ = RNG.integers(0, 256, (60, 5)).astype(np.uint8)
    y = np.arange(60) % 2
    data = {"x_train": bytes_[:40], "y_train": y[:40], "x_test": bytes_[40:] / 255, "y_test": y[40:]}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        gpufa.train(gpufa.Config(**SHORT, scaling="unit", blind=blind, validation=0.2), data)
        gpufa.train(gpufa.Config(**SHORT, scaling="unit"), {**data, "x_test": bytes_[40:]})
    said = [str(one.message) for one in caught if "the test samples are numbers from 0 to 1" in str(one.message)]
    assert len(said) == (not blind)


def test_a_run_that_is_killed_as_it_begins_goes_on(monkeypatch):
    """Its checkpoint is there before all other files, which would be somebody else's without it."""
    write = files.write

    def killed(path, *args):
        if Path(path).name == "config.toml":
            raise SystemExit
        write(path, *args)

    with monkeypatch.context() as patch:
        patch.setattr(files, "write", killed)
        with pytest.raises(SystemExit):
            gpufa.train(gpufa.Config(**SHORT, data=table("t.csv"), out="out"))
    assert Path("out/checkpoint.h5").exists()
    assert not Path("out/config.toml").exists()
    assert gpufa.resume("out").summary["epochs"] == 1
    assert Path("out/config.toml").exists()
