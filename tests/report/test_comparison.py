"""A comparison's rows, and its table in every form, of summaries made by hand."""

import csv
import io
import json

import pytest
from scipy import stats

import gpufa
from gpufa.basics.sheet import Sheet
from gpufa.report.comparison import compared
from gpufa.report.forms import FORMS
from gpufa.runs import tables

BP, FA, SAME = [2.0, 3.0, 2.5, 3.5, 2.0], [4.0, 5.5, 4.0, 6.0, 4.5], [3.0, 4.0, 3.5, 4.5, 3.0]


def summary(errors, lost=(), **more):
    status = ["diverged" if seed in lost else "running" for seed in range(len(errors))]
    about = {"seeds": list(range(len(errors))), "status": status, "seconds": 1.5, "alignment_deg": [40.4, None]}
    return about | {"test_error": errors, "test_loss": [0.1 + e for e in range(len(errors))]} | more


@pytest.fixture
def found():
    return compared({"bp": summary(BP), "a_b": summary(FA), "same": summary(SAME)}, "rule", "bp")


def test_rows_have_the_figures_and_the_corrected_test(found):
    bp, fa, same = found.rows
    p = stats.ttest_rel(FA, BP).pvalue
    assert fa["p"] == fa["p_holm"] == pytest.approx(p, rel=1e-12)  # one test alone: that of `same` has no spread
    assert bp["p"] is bp["p_holm"] is same["p"] is None
    assert bp["test_error_mean"] == pytest.approx(2.6)
    assert bp["test_error_deviation"] == pytest.approx((1.7 / 4) ** 0.5)
    low, high = stats.t.interval(0.95, 4, 2.6, stats.sem(BP))
    assert (bp["test_error_low"], bp["test_error_high"]) == pytest.approx((low, high))
    assert bp["test_error"] == BP
    assert found.notes == [
        "no test of same: fewer than two seeds, or the same difference on each, leave no spread to judge by"
    ]


def test_the_seeds_and_the_test_are_named(found):
    assert found.title == (
        "mean ± sample deviation over 5 seeds, 95 % t interval;"
        " p: paired t test of the test error against bp, Holm's correction over 1 test"
    )
    assert found.sheet.head == ("rule", "test error %", "95 % interval", "p", "s", "angles °")
    assert found.sheet.rows[0] == ("bp", "2.60 ± 0.65", "1.79–3.41", "-", "1.5", "40 -")
    assert found.sheet.rows[1][3] == "<0.001"


def test_two_tests_are_corrected_for_each_other():
    other = [5.0, 3.0, 4.0, 6.0, 1.0]
    rows = compared({"bp": summary(BP), "fa": summary(FA), "x": summary(other)}, "rule", "bp").rows
    raw = [stats.ttest_rel(values, BP).pvalue for values in (FA, other)]
    assert [row["p"] for row in rows[1:]] == pytest.approx(raw)
    assert [row["p_holm"] for row in rows[1:]] == pytest.approx([2 * raw[0], raw[1]])


def test_a_seed_that_diverged_is_told_and_in_no_figure():
    """Its last checkpoint's error is a number all the same."""
    found = compared({"bp": summary(BP), "fa": summary([*FA[:4], 90.0], {4})}, "rule", "bp")
    assert found.rows[1]["test_error"] == [*FA[:4], None]
    assert found.rows[1]["test_error_mean"] == pytest.approx(4.875)
    assert found.rows[1]["p"] == pytest.approx(stats.ttest_rel(FA[:4], BP[:4]).pvalue)
    assert found.notes == ["fa: seed 4 diverged, and is in none of its figures"]
    assert found.sheet.head[4] == "seeds"
    assert [row[4] for row in found.sheet.rows] == ["5", "4 of 5"]
    lost = compared({"bp": summary(BP), "fa": summary(FA, set(range(5)))}, "rule", "bp")
    assert lost.sheet.rows[1][1:4] == ("-", "-", "-")


def test_runs_of_other_seeds_are_beside_each_other_without_a_test():
    found = compared({"one": summary(BP), "two": summary(FA[:3])}, "run")
    assert found.test == ""
    assert found.title.startswith("mean ± sample deviation over 3 or 5 seeds")
    assert found.sheet.head == ("run", "test error %", "95 % interval", "seeds", "s", "angles °")
    assert found.notes == []
    nothing = {k: v for k, v in summary(BP).items() if not k.startswith("test")}
    assert compared({"none": nothing}, "run").sheet.head == ("run", "s", "angles °")


def test_real_targets_are_judged_by_the_rmse():
    real = [{**summary(values), "test_rmse": values, "test_r2": [0.5] * 5} for values in (BP, FA)]
    for one in real:
        del one["test_error"]
    found = compared({"bp": real[0], "fa": real[1]}, "rule", "bp")
    assert "paired t test of the test RMSE against bp" in found.title
    assert found.sheet.head[:5] == ("rule", "test rmse", "95 % interval", "p", "test r2")
    assert found.rows[1]["p"] == pytest.approx(stats.ttest_rel(FA, BP).pvalue)


def test_csv_and_json_hold_the_rows(found):
    rows = list(csv.DictReader(io.StringIO(found.to_csv())))
    assert [row["rule"] for row in rows] == ["bp", "a_b", "same"]
    assert rows[0]["seeds"] == "0 1 2 3 4"
    assert rows[0]["p"] == rows[0]["diverged"] == ""
    assert float(rows[1]["p_holm"]) == pytest.approx(found.rows[1]["p_holm"], rel=1e-8)
    assert rows[0]["alignment_deg"] == "40.4 "
    stored = json.loads(found.to_json())
    assert stored["rows"] == found.rows
    assert (stored["against"], stored["test"]) == ("bp", found.test)


def test_markdown_and_latex_hold_the_table(found):
    lines = FORMS["md"](found.sheet).splitlines()
    assert lines[0] == f"{found.title}."
    assert lines[2:5] == [
        "| rule | test error % | 95 % interval | p | s | angles ° |",
        "| :-- | --: | --: | --: | --: | --: |",
        "| bp | 2.60 ± 0.65 | 1.79–3.41 | - | 1.5 | 40 - |",
    ]
    text = FORMS["tex"](found.sheet)
    assert r"\begin{tabular}{lrrrrr}" in text
    assert r"a\_b & 4.80 $\pm$ 0.91 & 3.67--5.93 & $<$0.001 & 1.5 & 40 - \\" in text
    assert rf"\caption{{{found.title.replace('%', chr(92) + '%').replace('±', '$' + chr(92) + 'pm$')}.}}" in text
    assert text.count(r"\begin") == text.count(r"\end") == 2


def test_no_name_is_a_command_or_a_column():
    sheet = Sheet("t", ("rule", "x"), ((r"a|b\c{d}$e^f~g&h#", "<1>"),))
    assert r"| a&#124;b\c{d}$e^f~g&h# | <1> |" in FORMS["md"](sheet)
    escaped = r"a\textbar{}b\textbackslash{}c\{d\}\$e\textasciicircum{}f\textasciitilde{}g\&h\# & $<$1$>$ \\"
    assert escaped in FORMS["tex"](sheet)


def test_seeds_that_err_alike_are_told_to_be_different_nets():
    alike = summary([1.95] * 3, test_loss=[0.0859, 0.0959, 0.0961])
    assert tables.notes(alike) == [
        "every seed has the same test error, 1.95 %, as many samples; that their nets differ shows in the test loss:"
        " 0.0926 ± 0.00583"
    ]
    for other in (summary(BP), summary([1.0]), summary([1.0, 1.0], test_loss=[0.5, 0.5]), summary([1.0, None])):
        assert tables.notes(other) == []


def test_a_diverged_seed_is_not_in_the_mean_of_a_run():
    about = {"rule": "bp", "data": "digits", "epochs": 1, "epochs_per_seed": [1] * 3}
    shown = tables.results(summary([1.0, 2.0, 60.0], {2}) | about)
    assert [row[1] for row in shown.rows] == ["1.00", "2.00", "60.00"]
    assert shown.foot[:2] == ("mean ± deviation, without those that diverged", "1.50 ± 0.71")


def test_compare_is_gpufas_own():
    assert gpufa.Comparison is type(compared({}))
