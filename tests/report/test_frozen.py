"""That a rule is no better than frozen hidden layers is said where the interval over seeds says so, and else not."""

import json

import pytest
from scipy import stats

import gpufa
from gpufa.commands.main import main
from gpufa.report.comparison import compared
from gpufa.report.forms import FORMS
from gpufa.report.page import Report

FROZEN = [5.0, 6.0, 5.5, 6.5, 5.0]
BETTER, EQUAL, WORSE = [2.0, 3.5, 2.5, 3.0, 2.0], [5.3, 5.4, 5.6, 6.0, 5.4], [8.0, 9.5, 8.2, 9.0, 7.7]
FAST = {"hidden": (6,), "epochs": 1, "backend": "numpy", "samples": 200}


def summary(errors, seeds=None, lost=(), score="test_error"):
    seeds = list(range(len(errors))) if seeds is None else seeds
    status = ["diverged" if seed in lost else "finished" for seed in seeds]
    return {"seeds": seeds, "status": status, "seconds": 1.0, "alignment_deg": [], score: errors}


def said(errors, frozen=FROZEN, **more):
    found = compared({"dfa": summary(errors, **more), "shallow": summary(frozen)}, twins={"dfa": "shallow"})
    (sentence,) = found.verdicts
    assert sentence in found.notes
    assert sentence in json.loads(found.to_json())["notes"]
    assert FORMS["md"](found.sheet, found.notes).rstrip().endswith(f"\n- {sentence}.")
    assert f"% {sentence}.\n\\begin{{table}}" in FORMS["tex"](found.sheet, found.notes)
    return sentence


@pytest.mark.parametrize(
    ("errors", "outcome"), [(BETTER, "better than"), (EQUAL, "no better than"), (WORSE, "worse than")]
)
def test_the_interval_of_the_difference_decides(errors, outcome):
    differences = [a - b for a, b in zip(errors, FROZEN, strict=True)]
    mean = sum(differences) / 5
    low, high = stats.t.interval(0.95, 4, mean, stats.sem(differences))
    figures = f"{mean:.2f} [{low:.2f}, {high:.2f}]"
    assert said(errors) == (
        f"dfa: {outcome} frozen hidden layers (shallow): difference in test error {figures} over 5 seeds"
    )


def test_no_difference_has_no_sign():
    assert "0.00 [-0.01, 0.00]" in said([5.0, 5.99, 5.5, 6.5, 5.0])


def test_nothing_is_claimed_by_one_seed_or_without_a_spread():
    doubt = "dfa: whether it does better than frozen hidden layers (shallow) can't be told: "
    assert said([2.0], [5.0]) == f"{doubt}one seed is in the figures of both, and it takes two"
    assert said([2.0, 1.0], [5.0, 5.5], seeds=[7, 8]) == f"{doubt}no seed is in the figures of both, and it takes two"
    assert said([2.0, 3.0, 9.0], [5.0, None, 8.0], lost=[2]).startswith(f"{doubt}one seed")
    assert said([2.0, 3.0], [5.0, 6.0]) == f"{doubt}the difference in test error is -3.00 on each of 2 seeds"
    assert "no better than frozen hidden layers (shallow): difference in test error 0.00" in said(
        [5.0, 6.0], [5.0, 6.0]
    )


def test_seeds_are_paired_by_number():
    assert said([6.0, 5.2, 5.5], seeds=[1, 0, 2]) == said([5.2, 6.0, 5.5], seeds=[0, 1, 2])


def test_amounts_are_judged_by_the_rmse():
    found = compared({name: summary(errors, score="test_rmse") for name, errors in (("a", EQUAL), ("b", FROZEN))},
                     twins={"a": "b"})  # fmt: skip
    assert "a: no better than frozen hidden layers (b): difference in test RMSE" in found.verdicts[0]


@pytest.mark.filterwarnings("ignore:figures of")
def test_compare_says_it_of_each_rule_and_not_without_the_baseline(tmp_path, capsys):
    config = gpufa.Config(**FAST | {"seeds": (0, 1, 2)})
    found = gpufa.compare(config, ("bp", "dfa"))
    assert [sentence.split(":")[0] for sentence in found.verdicts] == ["bp", "dfa"]
    assert all("frozen hidden layers (shallow)" in sentence for sentence in found.verdicts)
    assert not gpufa.compare(config, ("bp", "dfa"), baseline=False).verdicts
    assert not gpufa.compare(config, ("shallow",)).verdicts
    flags = ["--hidden", "6", "--epochs", "1", "--samples", "200", "--seeds", "0", "--backend", "numpy"]
    assert main(["compare", "--rules", "dfa", *flags, "--out", str(tmp_path / "one")]) == 0
    assert "dfa: whether it does better than frozen hidden layers (shallow) can't be told: one seed" in (
        " ".join(capsys.readouterr().out.split())
    )


def test_a_report_says_it_where_the_frozen_net_is_the_same(tmp_path, capsys):
    def train(name, **settings):
        gpufa.train(gpufa.Config(**FAST | {"seeds": (0, 1, 2), "out": str(tmp_path / name)} | settings))
        return tmp_path / name

    runs = [train("mine", rule="dfa"), train("still", rule="shallow", seeds=(2, 1, 0)), train("kp", rule="kp")]
    others = [train("wide", rule="dfa", hidden=(7,)), train("long", rule="dfa", epochs=2)]
    page = Report(*runs, *others, pictures=()).html
    for name in ("mine", "kp"):
        assert f"{name}: " in page
        assert any(f"{name}: {how} frozen hidden layers (still)" in page for how in ("better than", "no better than",
                                                                                     "worse than"))  # fmt: skip
    assert "wide: " not in page
    assert "long: " not in page
    alone = Report(runs[0], pictures=()).html
    assert "frozen" not in alone
    capsys.readouterr()
