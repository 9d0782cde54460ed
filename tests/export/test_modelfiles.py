"""gpufa export: files that onnxruntime, and PyTorch without gpufa, make the same predictions of."""

import json
import subprocess
import sys

import numpy as np
import pytest
from exportlab import ours, random_net, raw

import gpufa
from gpufa.commands.main import main
from gpufa.export import modelfiles
from gpufa.export.onnxmodel import MOST

WITHOUT_GPUFA = """
import sys
sys.modules["gpufa"] = None
import numpy, torch, {name}
with torch.no_grad():
    numpy.save("y.npy", {name}.load()(torch.from_numpy(numpy.load("x.npy"))).numpy())
print({name}.TOLD["classes"])
"""


@pytest.fixture
def run(tmp_path, monkeypatch):
    """A run of two seeds on a table with names, in raw features of other sizes."""
    monkeypatch.chdir(tmp_path)
    draw = np.random.default_rng(0)
    x = draw.normal(size=(60, 3)) * [1, 10, 1000] + [0, 5, 1e5]
    lines = [f"{','.join(map(str, row))},{'sétosa' if row[0] > 0 else 'b {x}'}" for row in x]
    (tmp_path / "d.csv").write_text("\n".join(["length,width,when,species", *lines]), encoding="utf-8")
    flags = ["--hidden", "6", "--epochs", "2", "--backend", "numpy", "--scaling", "standard", "--seeds", "0", "4"]
    assert main(["train", "--data", "d.csv", "--target", "species", *flags, "--out", "r", "--quiet"]) == 0
    np.save("x.npy", x.astype("float32"))
    return gpufa.load("r")


@pytest.mark.parametrize(("flags", "seed"), [([], None), (["--seed", "4"], 4)])
def test_a_run_becomes_an_onnx_model_that_says_what_it_is(run, flags, seed, capsys):
    onnx, runtime = pytest.importorskip("onnx"), pytest.importorskip("onnxruntime")
    assert main(["export", "r", "m.onnx", *flags]) == 0
    mean = ": the mean of 2 seeds' outputs" if seed is None else ""
    assert capsys.readouterr().out == f"wrote m.onnx{mean}\n"
    model, x = onnx.load("m.onnx"), np.load("x.npy")
    onnx.checker.check_model(model, full_check=True)
    (y,) = runtime.InferenceSession("m.onnx").run(["output"], {"input": x})
    np.testing.assert_allclose(y, ours(run, x, seed), atol=1e-6)
    said = {one.key: one.value for one in model.metadata_props}
    assert json.loads(said["classes"]) == ["b {x}", "sétosa"]
    assert json.loads(said["features"]) == ["length", "width", "when"]
    assert json.loads(said["target"]) == ["species"]
    assert json.loads(said["seeds"]) == ([0, 4] if seed is None else [4])
    assert (said["task"], said["rule"], said["gpufa"]) == ("classification", "dfa", gpufa.__version__)
    assert [(one.domain, one.version) for one in model.opset_import] == [("", 17)]
    assert (model.producer_name, model.ir_version) == ("gpufa", 8)


def test_an_input_of_float64_keeps_what_float32_rounds_away(run):
    runtime = pytest.importorskip("onnxruntime")
    far = np.array([0, 0, 1e9])
    run.scaling = run.scaling._replace(shift=run.scaling.shift + far)
    x = np.load("x.npy") + far
    with pytest.warns(gpufa.GpufaWarning, match=r"feature 2 .* take --inputs float64"):
        gpufa.to_onnx(run)
    wide = runtime.InferenceSession(gpufa.to_onnx(run, inputs="float64").SerializeToString())
    np.testing.assert_allclose(wide.run(None, {"input": x})[0], ours(run, x), atol=1e-6)


@pytest.mark.parametrize("file", ["m.pt", "m.safetensors"])
def test_pytorch_loads_it_where_gpufa_is_not(run, file, capsys):
    pytest.importorskip("torch")
    pytest.importorskip("safetensors")
    assert main(["export", "r", file]) == 0
    assert f"wrote {file} and m.py: the mean of 2 seeds' outputs" in capsys.readouterr().out
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_GPUFA.format(name="m")], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "['b {x}', 'sétosa']\n"
    np.testing.assert_allclose(np.load("y.npy"), ours(run, np.load("x.npy")), atol=1e-6)


def test_the_state_is_the_modules_and_safetensors_tell_of_it(run):
    torch, safe = pytest.importorskip("torch"), pytest.importorskip("safetensors")
    module = gpufa.to_torch(run, seed=0)
    for file in ("m.pt", "m.safetensors"):
        assert [path.name for path in modelfiles.write(run, file, seed=0)] == [file, "m.py"]
    state = torch.load("m.pt", weights_only=True)
    with safe.safe_open("m.safetensors", "pt") as packed:
        assert json.loads(packed.metadata()["classes"]) == ["b {x}", "sétosa"]
        assert set(packed.keys()) == state.keys() == module.state_dict().keys()
        for name, value in module.state_dict().items():
            assert torch.equal(value, state[name])
            assert torch.equal(value, packed.get_tensor(name))


def test_numbers_without_axes_have_none_in_files(tmp_path):
    torch = pytest.importorskip("torch")
    net = random_net(["input 4", "dense 5, batch norm, hard_tanh", "dense 3"])
    modelfiles.write(net, tmp_path / "m.pt")
    state = torch.load(tmp_path / "m.pt", weights_only=True)
    assert {name: v.shape for name, v in state.items()} == {
        n: v.shape for n, v in gpufa.to_torch(net).state_dict().items()
    }


def test_a_net_of_float64_stays_one_in_pytorch_and_is_rounded_aloud_in_onnx(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    net = random_net(["input 2x5x5", "residual(conv 2 3x3 softplus, batch norm)", "dense 3"], dtype="float64")
    x = raw(net)
    if pytest.importorskip("onnx"):
        with pytest.warns(gpufa.GpufaWarning, match="the net is of float64, and ONNX models are of float32"):
            gpufa.to_onnx(net)
    torch = pytest.importorskip("torch")
    modelfiles.write(net, "n.pt")
    code = WITHOUT_GPUFA.format(name="n").rpartition("print")[0]
    np.save("x.npy", x)
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
    np.testing.assert_allclose(np.load("y.npy"), net.predict(x), rtol=1e-13)
    assert gpufa.to_torch(net)(torch.from_numpy(x)).dtype == torch.float64


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (["r", "m.txt"], "'m.txt' does not end in a format; give a file that ends in .onnx, .safetensors, .pt"),
        (["r", "m.onnx", "--seed", "7"], "seed 7 is none of this net's, 0, 4; give --seed one of them"),
        (["r", "m.pt", "--inputs", "float64"], "inputs = 'float64' is for .onnx"),
        (["r", "m.onnx", "--inputs", "f8"], "unknown inputs 'f8'; choose one of float32, float64"),
        (["r", "mine.pt"], "'mine.py', where the module's text goes, is a file of your own; give another file"),
        (["none", "m.onnx"], "'none"),
    ],
)
def test_what_cannot_be_is_refused_and_writes_nothing(run, args, told, tmp_path, capsys):
    (tmp_path / "mine.py").write_text("x = 1\n")
    before = sorted(tmp_path.iterdir())
    assert main(["export", *args]) == 2
    assert told in capsys.readouterr().err
    assert sorted(tmp_path.iterdir()) == before
    assert (tmp_path / "mine.py").read_text() == "x = 1\n"


@pytest.mark.parametrize(
    ("file", "library", "extra"),
    [("m.onnx", "onnx", "onnx"), ("m.pt", "torch", "torch"), ("m.safetensors", "safetensors", "onnx")],
)
def test_without_a_library_one_sentence_says_what_to_install(run, file, library, extra, monkeypatch, capsys):
    for name in (library, f"{library}.numpy"):
        monkeypatch.setitem(sys.modules, name, None)
    for name in ("modules", "readers", "readers.kinds", "readers.row", "reading"):  # which others may have imported
        monkeypatch.delitem(sys.modules, f"gpufa.export.{name}", raising=False)
    assert main(["export", "r", file]) == 2
    assert f"pip install 'gpufa[{extra}]'" in capsys.readouterr().err
    if library == "torch":
        for call in (gpufa.to_torch, gpufa.from_torch):
            with pytest.raises(gpufa.InvalidValue, match=r"pip install 'gpufa\[torch\]'"):
                call(run)


def test_more_than_an_onnx_file_holds_is_refused(monkeypatch):
    pytest.importorskip("onnx")
    monkeypatch.setattr("gpufa.export.onnxmodel.MOST", 100)
    assert MOST == 2**31 - 1
    with pytest.raises(gpufa.InvalidValue, match=r"this net has .* of numbers, and an ONNX file holds .*; export one"):
        gpufa.to_onnx(random_net([4, 5, 3]))


def test_gpufa_is_imported_without_any_of_them():
    code = "import sys, gpufa; sys.exit(bool({'torch', 'onnx', 'safetensors'} & {*sys.modules}))"
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0
