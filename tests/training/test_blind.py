"""A blind run never looks at its test samples, and is the same otherwise."""

import json

import numpy as np
import pytest
from traininglab import DATA, config, parameters, same

import gpufa
from gpufa.commands.main import main
from gpufa.training.settings.toml import read_toml, to_toml


def test_it_has_no_figure_of_them_and_the_same_bits(tmp_path):
    seeing = gpufa.train(config(validation=0.2), DATA)
    blind = gpufa.train(config(validation=0.2, blind=True, out=str(tmp_path / "run")), DATA)
    same(parameters(seeing), parameters(blind))
    assert any(name.startswith("test_") for name in seeing.summary)
    for names in (blind.summary, blind.history.epochs.names):
        assert not [name for name in names if name.startswith("test")]
    np.testing.assert_array_equal(seeing.history.epochs["validation_error"], blind.history.epochs["validation_error"])
    assert gpufa.resume(tmp_path / "run", epochs=6, data=DATA).history.epochs.names == blind.history.epochs.names


def test_its_test_samples_may_be_anything():
    """Not even a NaN among them is found."""
    spoiled = DATA._replace(x_test=np.full_like(DATA.x_test, np.nan))
    trainer = gpufa.training.trainer.Trainer(config(blind=True), spoiled)
    trainer.run()
    assert len(trainer.test[0]) == 0


def test_a_class_of_theirs_alone_is_refused_all_the_same():
    """As the net would have no output for it (of places see test_places_training.py)."""
    other = DATA._replace(y_test=DATA.y_test + 1)
    with pytest.raises(gpufa.InvalidValue, match=r"y_test has the class 3, but those of y_train are 0, 1, 2; give"):
        gpufa.train(config(blind=True), other)


def test_the_flag_and_the_setting(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["train", "--blind", "--validation", "0.2", "--epochs", "1", "--hidden", "4", "--out", "run"]) == 0
    said = capsys.readouterr()
    assert "; the test samples are not looked at" in said.err
    assert "validation error" in said.err
    assert "test error" not in said.out + said.err
    assert read_toml("run/config.toml").blind
    assert "blind" not in to_toml(gpufa.Config())
    assert "test_error" not in json.loads((tmp_path / "run/summary.json").read_text())
    assert main(["list", "."]) == 0
    assert main(["report", "run", "--pictures", "curves"]) == 0
    assert main(["evaluate", "run"]) == 0  # by then it is asked for


def test_what_is_no_flag_is_refused():
    with pytest.raises(gpufa.InvalidValue, match="blind = 1 can't be used; expected true or false: change --blind"):
        gpufa.Config(blind=1)
