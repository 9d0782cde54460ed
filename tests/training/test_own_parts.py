"""Runs of activations, losses, optimizers, schedules and initialisers of one's own; callbacks that are functions."""

import copy
import dataclasses
from contextlib import suppress

import numpy as np
import pytest
from partlab import CUBE, HALVE, HUBER, OWN, SIGNED, SMALL
from rulelab import DATA, values

import gpufa
from gpufa.backends import get_backend
from gpufa.backends.cpu.backend import NumpyBackend
from gpufa.basics.errors import BackendUnavailable
from gpufa.checkpoints import hdf5
from gpufa.commands.main import main
from gpufa.functions.activations import ACTIVATIONS
from gpufa.training.settings.toml import read_toml
from gpufa.training.trainer import Trainer

FILE = "import gpufa, numpy as np\n" + "same = gpufa.Activation('same', 'h', {value}, {slope})\n".format(
    value="lambda a, h: np.tanh(a, out=h)", slope="lambda h, g, t: np.copyto(g, 1 - h * h)"
)


def config(**kw):
    base = {"rule": "fa", "hidden": (8, 7), "dtype": "float64", "backend": "numpy", "epochs": 3, "batch_size": 8}
    return gpufa.Config(**base | {"seeds": (0, 1), "init": "uniform"} | kw)


MINE = {"activation": CUBE, "loss": HUBER, "optimizer": SIGNED, "schedule": HALVE, "init": SMALL}


def same(a, b):
    for name, p in values(a.network).items():
        np.testing.assert_array_equal(p, values(b.network)[name], err_msg=name)


def test_a_run_of_own_parts_is_kept_resumed_and_loaded(tmp_path):
    whole = gpufa.train(config(**MINE), DATA)
    assert dataclasses.replace(whole.config, activation="cube", parts=OWN).parts == OWN
    assert (whole.config.loss, whole.config.optimizer, whole.config.lr) == ("huber", "signed", 0.01)
    gpufa.train(config(**MINE, epochs=1, out=str(tmp_path / "run")), DATA)
    with pytest.raises(gpufa.InvalidValue, match=r"was trained with activation 'cube', which gpufa does not ship, and"):
        gpufa.resume(tmp_path / "run", 3, DATA)
    with pytest.raises(gpufa.InvalidValue, match=r"was trained with init 'small'.*hand it in, --parts path/to/file"):
        gpufa.resume(tmp_path / "run", 3, DATA, parts=OWN[:-1])
    same(gpufa.resume(tmp_path / "run", 3, DATA, parts=OWN), whole)
    with pytest.raises(gpufa.InvalidValue, match=r"was trained with loss 'huber'"):
        gpufa.load(tmp_path / "run", parts=[CUBE])
    net = gpufa.load(tmp_path / "run", "numpy", parts=[CUBE, HUBER])
    assert net.parts == (CUBE, HUBER)
    np.testing.assert_array_equal(copy.deepcopy(net).predict(DATA.x_test), whole.network.predict(DATA.x_test))


def test_own_parts_have_words_and_a_layer(tmp_path):
    from gpufa.layers import Act, Dense

    words = config(hidden=None, layers=["dense 8 cube, dense 7 cube"], parts=[CUBE], rule="bp", out=str(tmp_path))
    run = gpufa.train(words, DATA)
    assert gpufa.load(tmp_path, parts=[CUBE]).sizes.words[1] == "dense 8 cube, dense 7 cube"
    with pytest.raises(gpufa.InvalidValue, match="was trained with activation 'cube'"):
        gpufa.load(tmp_path)
    assert main(["inspect", str(tmp_path)]) == 0
    net = gpufa.Network(["input 4", [Dense(3), Act(CUBE)], "dense 2"], backend="numpy")
    assert net.activations == [CUBE]
    assert run.network.parts == (CUBE,)


def test_an_own_row_of_the_same_formula_trains_the_same_bits():
    tanh = ACTIVATIONS["tanh"]
    own = gpufa.Activation("mine", "h", tanh.value, tanh.derivative)
    same(gpufa.train(config(activation=own), DATA), gpufa.train(config(activation="tanh"), DATA))


def test_files_on_the_command_line(tmp_path, capsys):
    file, out = tmp_path / "mine.py", tmp_path / "run"
    file.write_text(FILE)
    args = ["--rule", "fa", "--hidden", "4", "--epochs", "1", "--seeds", "0", "--quiet", "--backend", "numpy"]
    assert main(["train", *args, "--activation", f"{file}:same", "--out", str(out)]) == 0
    settings = read_toml(out / "config.toml")
    assert settings.activation == ("same",)
    assert settings.parts == ()
    assert main(["evaluate", str(out)]) == 2
    assert "hand it in, --parts path/to/file.py:NAME or parts=[...]" in capsys.readouterr().err
    parts = ["--parts", f"{file}:same"]
    assert main(["evaluate", str(out), *parts]) == main(["plot", str(out), *parts]) == 0
    assert main(["resume", str(out), "--epochs", "2", "--quiet", *parts]) == 0
    again = ["train", str(out / "config.toml"), "--quiet", "--out", str(tmp_path / "again")]
    assert main(again) == 2
    assert main([*again, *parts]) == 0
    words = ["train", "--layers", "dense 4 same", *args[:2], *args[4:], "--out", str(tmp_path / "words")]
    assert main(words) == 2
    assert main([*words, *parts]) == 0


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (
            "activation = ['evil.py:f']",
            "names the activation 'evil.py:f', and no code runs because a config file names",
        ),
        ("schedule = 'evil.py:f'", "name it yourself, --schedule evil.py:f"),
        ("init = 'evil.py:f'", "name it yourself, --init evil.py:f"),
        (
            "parts = ['evil.py:f']",
            "parts = ['evil.py:f'] can't stand in a file, as no code runs because a file names it",
        ),
    ],
)
def test_no_code_runs_because_a_config_names_it(line, told, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "evil.py").write_text("raise SystemExit('it ran')")
    (tmp_path / "c.toml").write_text(line)
    assert main(["train", "c.toml", "--init-scale", "0.1"]) == 2
    assert told in capsys.readouterr().err


@pytest.mark.parametrize(("group", "name"), [("network", "loss"), ("network", "activation"), ("config", "schedule")])
def test_no_code_runs_because_a_checkpoint_names_it(group, name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "evil.py").write_text("raise SystemExit('it ran')")
    gpufa.train(config(epochs=1, out="run"), DATA)
    arrays, metadata = hdf5.read(tmp_path / "run/checkpoint.h5")
    metadata[group][name] = ["evil.py:f"] if name == "activation" else "evil.py:f"
    hdf5.write(tmp_path / "run/checkpoint.h5", arrays, metadata)
    for use in (gpufa.load, gpufa.resume):
        with pytest.raises(gpufa.FileProblem, match=r"it names a file with code, 'evil.py:f'"):
            use("run")


@pytest.mark.parametrize("rule", ["bp", "dfa", "kp", "weight_mirror"])
def test_an_optimizer_without_states_makes_each_step_itself(rule):
    """Products go straight into the weights where the row is plain SGD's alone."""
    start, end = (
        gpufa.train(config(rule=rule, optimizer=SIGNED, lr=0.01, epochs=epochs, batch_size=1000), DATA).network
        for epochs in (0, 1)
    )
    moved = np.concatenate([(end.parameters[f"W{k}"] - start.parameters[f"W{k}"]).ravel() for k in (1, 2)])
    np.testing.assert_allclose(abs(moved[moved != 0]), 0.01, rtol=1e-6)
    assert (moved != 0).any()


@pytest.mark.gpu
@pytest.mark.parametrize("own", [{"activation": CUBE}, {"optimizer": SIGNED}, {"loss": HUBER}])
def test_without_cuda_text_a_gpu_is_refused_and_auto_takes_numpy(own):
    row = next(iter(own.values()))
    with pytest.raises(BackendUnavailable, match=f"{row.kind} '{row.name}' has no CUDA text; .*use --backend numpy"):
        gpufa.train(config(**own, backend="cupy"), DATA)
    with pytest.warns(gpufa.GpufaWarning, match=f"in place of the GPU: {row.kind} '{row.name}' has no CUDA text"):
        run = gpufa.train(config(**own, backend="auto"), DATA)
    assert run.network.backend.name == "numpy"


def test_a_backend_that_is_there_is_asked_too():
    class Other(NumpyBackend):
        name = "cupy"

    with pytest.raises(BackendUnavailable, match="backend 'cupy' can't run this: it has no text; use --backend numpy"):
        get_backend(Other(), off_gpu="it has no text")


def test_a_plain_function_is_called_after_each_epoch_and_may_stop_the_run():
    seen = []

    def look(trainer):
        seen.append(trainer.progress.epoch)
        trainer.stop_requested = len(seen) == 2

    assert gpufa.train(config(), DATA, callbacks=[look]).interrupted
    assert seen == [1, 2]


@pytest.mark.parametrize("callbacks", [3, print, [3], [gpufa.Callback]])
def test_what_is_no_callback_is_refused(callbacks):
    with pytest.raises(gpufa.InvalidValue, match=r"callbacks can't be|is no callback; give an instance of"):
        gpufa.train(config(), DATA, callbacks=callbacks)


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_a_learning_rate_by_callback_is_the_schedule_of_the_same_rates(optimizer, backend):
    settings = config(optimizer=optimizer, lr=0.01, backend=backend)

    class EachStep(gpufa.Callback):
        def on_step(self, trainer):
            trainer.learning_rate = 0.01 * 0.5**trainer.progress.step

    by_step = gpufa.train(settings, DATA, callbacks=[EachStep()])
    steps = gpufa.Schedule("steps", lambda p: 0.5**p.step)
    same(by_step, gpufa.train(dataclasses.replace(settings, schedule=steps), DATA))

    def by_epoch(trainer):
        trainer.learning_rate = trainer.learning_rate / 2

    epochs = gpufa.Schedule("epochs", lambda p: 0.5 ** (p.step // p.per_epoch))
    same(
        gpufa.train(settings, DATA, callbacks=[by_epoch]),
        gpufa.train(dataclasses.replace(settings, schedule=epochs), DATA),
    )


def test_a_rate_that_a_callback_has_set_is_resumed(tmp_path):
    def halve(trainer):
        trainer.learning_rate = trainer.learning_rate / 2

    whole = gpufa.train(config(epochs=4, optimizer="adam"), DATA, callbacks=[halve])
    gpufa.train(config(epochs=2, optimizer="adam", out=str(tmp_path)), DATA, callbacks=[halve])
    assert hdf5.read(tmp_path / "checkpoint.h5")[0]["learning_rate"] == whole.config.lr / 4
    same(gpufa.resume(tmp_path, 4, DATA, callbacks=[halve]), whole)


def test_rates_that_can_not_be_set_are_refused():
    trainer = Trainer(config(layer_lr=(0.1, 0.1, 0.1)), DATA)
    with pytest.raises(gpufa.InvalidValue, match="learning_rate is one for all layers, but layer_lr gives"):
        trainer.learning_rate = 0.1
    trainer = Trainer(config(lr=0.1), DATA)
    for bad in (0, "0.1", float("nan"), None):
        with pytest.raises(gpufa.InvalidValue, match="learning_rate can't be"):
            trainer.learning_rate = bad


@pytest.mark.parametrize("bad", [3, "x", None, {"epochs": 3}, object(), gpufa.Config])
def test_what_is_no_config_or_network_is_refused(bad, tmp_path):
    with pytest.raises(gpufa.InvalidValue, match=r"config can't be .*; give a gpufa.Config, such as"):
        gpufa.train(bad, DATA)
    with pytest.raises(gpufa.InvalidValue, match=r"the network can't be .*; give a gpufa.Network"):
        gpufa.save(bad, tmp_path / "net.h5")
    with pytest.raises(gpufa.InvalidValue, match="force can't be"):
        gpufa.train(config(), DATA, force=bad)


BAD = [3.5, "x", b"x", True, [[1]], {"a": 1}, object(), np.array([1.5]), len, int, float("nan"), -1, (1, "a"), 10**400]


@pytest.mark.parametrize("name", [field.name for field in dataclasses.fields(gpufa.Config)])
def test_settings_of_any_type_are_taken_or_refused_in_a_sentence(name):
    for bad in BAD:
        with suppress(gpufa.GpufaError):
            gpufa.Config(**{name: bad})


@pytest.mark.parametrize(
    "setting",
    [{"hidden": "64"}, {"seeds": "0"}, {"epochs": 1.5}, {"lr": "0.1"}, {"schedule": len}, {"loss": 3}, {"parts": 3}],
)
def test_settings_of_the_wrong_type_are_refused(setting):
    with pytest.raises(
        gpufa.InvalidValue, match=f"^{next(iter(setting))} (= .* can't be used; expected|can't be 3; give)"
    ):
        gpufa.Config(**setting)
