"""Rules beside each other, from a program."""

import json
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

import gpufa
from gpufa.report import comparison
from gpufa.rules import DFA

FAST = {"hidden": (6,), "epochs": 1, "backend": "numpy", "samples": 200}
FIVE = {"seeds": (0, 1, 2, 3, 4)}
FILES = {f"compare.{ending}" for ending in ("csv", "json", "md", "tex", "png")}
assert set(comparison.WRITTEN) == FILES


@pytest.mark.filterwarnings("error")
def test_it_trains_every_rule_and_the_baseline_and_tests_them(tmp_path):
    found = gpufa.compare(gpufa.Config(**FAST | FIVE | {"out": str(tmp_path)}), ("bp", "dfa"))
    assert [row["rule"] for row in found.rows] == list(found.runs) == ["bp", "dfa", "shallow"]
    assert found.against == "bp"
    errors = {name: run.summary["test_error"] for name, run in found.runs.items()}
    assert found.rows[2]["p"] == pytest.approx(stats.ttest_rel(errors["shallow"], errors["bp"]).pvalue)
    assert {path.name for path in tmp_path.iterdir()} == {"bp", "dfa", "shallow"} | FILES
    assert json.loads((tmp_path / "compare.json").read_text())["rows"] == found.rows
    alone = gpufa.train(gpufa.Config(**FAST | FIVE | {"rule": "dfa"}))
    np.testing.assert_array_equal(alone.summary["test_error"], errors["dfa"])


def test_a_table_that_no_comparison_has_written_stays(tmp_path):
    config = gpufa.Config(**FAST | FIVE | {"out": str(tmp_path)})
    (tmp_path / "compare.csv").write_text("mine")
    with pytest.raises(gpufa.FileProblem, match=r"holds compare.csv, which a comparison would write over; .* --force$"):
        gpufa.compare(config, ("bp",), baseline=False)
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("compare.csv", "mine")]
    gpufa.compare(config, ("bp",), baseline=False, force=True)
    assert (tmp_path / "compare.csv").read_text().startswith("rule,")


@pytest.mark.filterwarnings("error")
def test_the_baseline_comes_once_or_not_at_all(tmp_path):
    config = gpufa.Config(**FAST | FIVE)
    assert list(gpufa.compare(config, ("shallow", "bp")).runs) == ["shallow", "bp"]
    assert list(gpufa.compare(config, ["bp", "bp"], baseline=False).runs) == ["bp"]


def test_few_seeds_are_warned_of():
    with pytest.warns(
        gpufa.GpufaWarning, match="^figures of 4 seeds say little: .* give 5 or more, such as --seeds 0 1 2 3 4$"
    ):
        gpufa.compare(gpufa.Config(**FAST | {"seeds": (0, 1, 2, 3)}), ("bp",))
    with pytest.warns(gpufa.GpufaWarning, match="^figures of 1 seed say little") as told:
        found = gpufa.compare(gpufa.Config(**FAST | {"seeds": (0,)}), ("bp", "dfa"))
    assert Path(told[0].filename).name == "test_compare.py"
    assert [row["p"] for row in found.rows] == [None] * 3
    assert found.notes[0].startswith("no test of dfa, shallow: fewer than two seeds")


def test_rules_by_class_and_own_options(tmp_path):
    class Mine(DFA):
        name = "mine"

    config = gpufa.Config(**FAST | FIVE | {"rule_options": {"scale": 0.5}, "out": str(tmp_path)})
    found = gpufa.compare(config, ("dfa", Mine, "fa"), baseline=False)
    assert [run.network.rule.scale for run in found.runs.values()] == [0.5, 1.0, 1.0]
    assert list(found.runs) == ["dfa", "mine", "fa"]


def test_a_baseline_that_can_not_do_what_the_rules_can_is_left_out_and_told(tmp_path):
    gpufa.train(gpufa.Config(**FAST | FIVE | {"rule": "dfa", "out": str(tmp_path / "first")}))
    config = gpufa.Config(**FAST | FIVE | {"start": str(tmp_path / "first")})
    with pytest.warns(gpufa.GpufaWarning, match="^the baseline 'shallow' is left out: .*first") as told:
        assert list(gpufa.compare(config, ("dfa",)).runs) == ["dfa"]
    assert Path(told[0].filename).name == "test_compare.py"


@pytest.mark.parametrize(
    ("rules", "text"),
    [
        ((), "needs a rule"),
        ("bp", r"rules can't be 'bp'; give a list such as \(\"bp\", \"dfa\"\)"),
        (("bp", "nope"), "unknown rule 'nope'"),
        (("bp", 3), "is no learning rule"),
        (("dfa", DFA), "two of the rules have the name 'dfa'"),
    ],
)
def test_bad_rules_are_one_sentence_before_anything_is_trained(rules, text, tmp_path):
    with pytest.raises(gpufa.InvalidValue, match=text):
        gpufa.compare(gpufa.Config(**FAST | {"out": str(tmp_path / "c")}), rules)
    assert not (tmp_path / "c").exists()


def test_what_is_cut_short_is_not_tested():
    class Stop(gpufa.Callback):
        def on_epoch(self, trainer):
            trainer.stop_requested = trainer.rule.name == "dfa"

    config = gpufa.Config(**FAST | FIVE | {"epochs": 2})
    found = gpufa.compare(config, ("bp", "dfa", "fa"), callbacks=[Stop()])
    assert list(found.runs) == ["bp", "dfa"]
    assert found.against is None
    assert "paired" not in found.title


def test_a_folder_that_holds_a_run_is_not_written_over(tmp_path):
    (tmp_path / "shallow").mkdir()
    (tmp_path / "shallow/checkpoint.h5").write_bytes(b"")
    config = gpufa.Config(**FAST | FIVE | {"out": str(tmp_path)})
    with pytest.raises(gpufa.FileProblem, match="shallow' holds a run already"):
        gpufa.compare(config, ("bp",))
    assert [path.name for path in tmp_path.iterdir()] == ["shallow"]
    assert gpufa.compare(config, ("bp",), baseline=False).rows
