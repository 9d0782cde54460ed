"""A second figure beside the one that is judged, angles by layer, and images that have lost something."""

import dataclasses

import numpy as np
import pytest
from imagefilelab import contents, jpeg_arrays, write_archive
from reproductionlab import SMALL, history, outcome, reproduce, results

from benchmarks.reproductions import section
from gpufa.data.sets import cifar
from gpufa.measure.history import History
from gpufa.reproductions import figures
from gpufa.reproductions.experiment import Published
from gpufa.reproductions.outcome import MEASURES, judge
from gpufa.reproductions.record import columns, line


def with_validation(errors, validation):
    found = History((0, 1))
    for i, (error, judged) in enumerate(zip(errors, validation, strict=True)):
        columns = {"test_error": np.array(error, float), "validation_error": np.array(judged, float)}
        found.epochs.append({"epoch": i + 1, "step": i + 1, **columns})
    return found


def test_the_best_epoch_is_each_seeds_own():
    found = with_validation([[5, 9], [3, 4], [4, 6]], [[1, 3], [2, 2], [3, np.nan]])
    assert MEASURES["best_test_error"].of(found).tolist() == [3, 4]
    assert MEASURES["validated_error"].of(found).tolist() == [5, 4]
    assert MEASURES["test_error"].of(found).tolist() == [4, 6]
    lost = with_validation([[np.nan, 9]], [[np.nan, 1]])
    np.testing.assert_array_equal(MEASURES["best_test_error"].of(lost), [np.nan, 9])


def test_a_second_figure_stands_beside_and_decides_nothing(small, capsys):
    file = small.parent / "experiments" / "small.toml"
    file.write_text(SMALL.replace("seeds =", 'beside = "best_test_error"\nseeds =', 1))
    assert reproduce(small, "--cells", "one/bp") == 0
    found = results(small)
    assert found["beside"] == "best epoch's test error, %"
    cell = found["cells"][0]
    assert all(best <= last for best, last in zip(cell["beside"], cell["values"], strict=True))
    assert found["cells"][1]["beside"] == []
    assert columns(found)[3] == found["beside"]
    assert len({len(columns(found)), *(len(line(cell, 2)) for cell in found["cells"])}) == 1
    head, _, row = (text for text in section(found).splitlines() if text.startswith("|"))
    assert head.count("|") == row.count("|") == 8
    del found["beside"]
    assert len(columns(found)) == 6  # as in older records


def test_images_that_have_lost_something_are_set_beside_nothing_published():
    found = dataclasses.replace(outcome([1.6], Published(1.6, 0.1)), lossy="from JPEG files")
    assert judge(found, {"deviations": 3, "points": 0.2})[:2] == ("not comparable", "from JPEG files")
    found = dataclasses.replace(outcome([1.6], Published(1.6), differs="10 epochs"), lossy="from JPEG files")
    assert judge(found, {"deviations": 3, "points": 0.2}).why == "10 epochs; from JPEG files"
    found = dataclasses.replace(outcome([1.6], band=(1, 2)), lossy="from JPEG files")
    assert judge(found, {"deviations": 3, "points": 0.2}).word == "within"


def test_seeds_on_whole_images_are_not_averaged_with_seeds_on_others(small, monkeypatch, capsys):
    (small.parent / "experiments" / "small.toml").write_text(SMALL.replace('"digits"', '"cifar10"'))
    monkeypatch.setenv("GPUFA_DATA", str(small.parent))
    (small.parent / "cifar10").mkdir()
    np.savez(small.parent / "cifar10" / "all.npz", **jpeg_arrays())
    assert reproduce(small, "--cells", "one/bp", "--seeds", "1") == 0
    write_archive(small.parent / "cifar10" / cifar.ARCHIVE, contents())
    assert reproduce(small, "--cells", "one/bp", "--seeds", "2") == 2
    said = capsys.readouterr().err
    assert "seeds-0' was trained on images that have lost something, and " in said
    assert "seeds-1' on whole ones; remove one of them" in said


@pytest.mark.parametrize("pairs", [True, False])
def test_angles_by_layer_are_the_newest(pairs):
    cells = {}
    for name, angle in (("conv-4/dfa", 80.0), ("local-4/dfa", 60.0), ("conv-8/dfa", 70.0)):
        found = history((0, 1), [9])
        for step in (1, 2):
            found.probes.append({"step": step, "per_sample": np.full((2, 3), angle + step)})
        cells[name] = dataclasses.replace(outcome([1.0, 1.0]), history=found)
        cells[name] = dataclasses.replace(cells[name], cell=dataclasses.replace(
            cells[name].cell, settings={"rule": {"name": "dfa"}}))  # fmt: skip
    axes = figures.FIGURES["layers"](cells, {"pairs": pairs}).axes[0]
    lines = [line for line in axes.lines if len(line.get_xdata()) == 3]
    assert [line.get_label() for line in lines] == ["conv-4", "local-4", "conv-8"]
    assert [line.get_xydata().tolist() for line in lines][1] == [[1, 62], [2, 62], [3, 62]]
    assert [line.get_linestyle() for line in lines] == (["-", "--", "-"] if pairs else ["-", "-", "-"])
    assert (lines[0].get_color() == lines[1].get_color()) == pairs
