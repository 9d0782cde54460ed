"""Checkpoints of other versions, and of other places."""

import re

import pytest
from traininglab import DATA, config

import gpufa
from gpufa.checkpoints import hdf5, networks
from gpufa.commands.main import main
from gpufa.reproductions import record


@pytest.mark.parametrize("version", ["0.3.0", "1.0", "0.30"])
def test_a_checkpoint_of_a_newer_version_is_refused(tmp_path, monkeypatch, version, capsys):
    monkeypatch.setattr(gpufa.checkpoints.networks, "__version__", version)
    gpufa.train(config(epochs=1, out=str(tmp_path)), DATA)
    monkeypatch.undo()
    for command in ("inspect", "resume", "evaluate"):
        assert main([command, str(tmp_path)]) == 2
        said = f"was written by gpufa {version}, and this is {gpufa.__version__}: upgrade gpufa\n"
        assert capsys.readouterr().err.endswith(said)


@pytest.mark.parametrize("version", ["0.2.9", "0.1.0", "0.2.0rc1", "dev", ""])
def test_others_are_read(tmp_path, monkeypatch, version):
    monkeypatch.setattr(gpufa.checkpoints.networks, "__version__", version)
    gpufa.save(gpufa.Network([3, 2], backend="numpy"), tmp_path / "net.h5")
    monkeypatch.undo()
    assert gpufa.load(tmp_path / "net.h5").sizes.units == (3, 2)


def test_a_run_that_goes_on_elsewhere_says_so(tmp_path, recwarn):
    gpufa.train(config(epochs=1, out=str(tmp_path)), DATA)
    place = networks.facts(tmp_path)["place"]
    assert {"processor", "numpy", "scipy", "BLAS"} <= place.keys()
    assert "threads" not in place["BLAS"]
    gpufa.resume(tmp_path, epochs=2, data=DATA)
    assert not [one for one in recwarn if "elsewhere" in str(one.message)]
    arrays, metadata = hdf5.read(tmp_path / "checkpoint.h5")
    metadata["place"]["BLAS"] += "; one that another program has loaded too"
    hdf5.write(tmp_path / "checkpoint.h5", arrays, metadata)
    gpufa.resume(tmp_path, epochs=2, data=DATA)
    assert not [one for one in recwarn if "elsewhere" in str(one.message)]
    metadata["place"]["processor"] = "Z80"
    hdf5.write(tmp_path / "checkpoint.h5", arrays, metadata)
    said = r"was trained elsewhere \(processor Z80, here .*\): training goes on, but maybe not to the same bits"
    with pytest.warns(gpufa.GpufaWarning, match=said):
        gpufa.resume(tmp_path, epochs=3, data=DATA)
    before = [{"epochs": 2, "place": metadata["place"]}]
    again = gpufa.resume(tmp_path, epochs=4, data=DATA)  # it stays known
    assert again.summary["before"] == networks.facts(tmp_path)["before"] == before
    gpufa.Report(tmp_path, pictures=[]).save(tmp_path / "report.html")
    assert re.search(r"to epoch 2</t[hd]>\s*<td>numpy on Z80</td>", (tmp_path / "report.html").read_text())
    assert record._machines(tmp_path) == [f"numpy on {again.summary['environment']['processor']}", "numpy on Z80"]
    on_gpu = {"device": "a GPU", "cupy": "14"}
    contents = hdf5.read(tmp_path / "checkpoint.h5")
    contents[1]["place"] = on_gpu
    hdf5.write(tmp_path / "checkpoint.h5", *contents)
    with pytest.warns(gpufa.GpufaWarning, match="trained elsewhere"):
        summary = gpufa.resume(tmp_path, epochs=5, data=DATA).summary
    assert summary["before"] == [*before, {"epochs": 4, "place": on_gpu}]
    assert record._machines(tmp_path)[1:] == ["numpy on Z80", "cupy on a GPU"]
