"""Figures of reproductions: what each shows, and the toy flow's equations."""

import dataclasses

import numpy as np
from reproductionlab import history, outcome

from gpufa.reproductions import experiment, figures, toyflow
from gpufa.reproductions.experiment import Cell
from gpufa.reproductions.outcome import Outcome


def cells_of(**histories):
    return {
        name.replace("_", "/"): dataclasses.replace(outcome([1.0]), history=found) for name, found in histories.items()
    }


def test_stages_stand_one_behind_the_other():
    """Of the seeds that all have, and as far as there is no gap."""
    cells = cells_of(a_x=history((0, 1), [9, 8, 7]), b_x=history((1, 2), [6]), c_x=history((1,), [5, 4]),
                     b_y=history((0,), [3]))  # fmt: skip
    axes = figures._stages(cells, {"rows": ["a", "b", "c"]}).axes[0]
    line, *ends = axes.lines
    assert line.get_xydata().tolist() == [[1, 9], [2, 8], [3, 7], [4, 6], [5, 5], [6, 4]]
    assert [end.get_xdata()[0] for end in ends] == [3.5, 4.5]


def test_a_sweep_has_a_line_for_each_column():
    cells = {f"{row}/{column}": dataclasses.replace(outcome([v, v + 2]), cell=Cell(f"{row}/{column}", {
                 "lr": lr, "rule": column}, "test_error"))
             for row, lr in (("a", 0.1), ("b", 0.01)) for column, v in (("bp", 5.0), ("fa", 7.0))}  # fmt: skip
    axes = figures._sweep(cells, {"setting": "lr", "x": "rate", "y": "error"}).axes[0]
    assert [bars.lines[0].get_xydata().tolist() for bars in axes.containers] == [
        [[0.01, 6.0], [0.1, 6.0]],
        [[0.01, 8.0], [0.1, 8.0]],
    ]
    assert axes.get_ylim()[1] < 20  # no angle's scale


def test_a_ranking_has_the_lowest_on_top_and_names_what_diverged():
    cells = {f"row/{name}": dataclasses.replace(outcome([v]), cell=Cell(f"row/{name}", {}, "test_error"))
             for name, v in (("bp", 3.0), ("fa", np.nan), ("dfa", 2.0))}  # fmt: skip
    axes = figures._ranking(cells, {}).axes[0]
    low, high = axes.get_ylim()
    assert low <= -0.5  # the marks of the first and the last are whole
    assert high >= len(cells) - 0.5
    assert [label.get_text() for label in axes.get_yticklabels()] == ["fa", "bp", "dfa"]
    assert [text.get_text() for text in axes.texts] == ["diverged", "3.0", "2.0"]


def test_a_ranking_of_several_rows_names_them():
    cells = {f"{row}/bp": dataclasses.replace(outcome([v]), cell=Cell(f"{row}/bp", {}, "test_error"))
             for row, v in (("trained", 3.0), ("frozen", 2.0))}  # fmt: skip
    cells |= {"trained/fa": dataclasses.replace(outcome([9.0]), cell=Cell("trained/fa", {}, "test_error"))}
    named = [label.get_text() for label in figures._ranking(cells, {}).axes[0].get_yticklabels()]
    assert named == ["trained fa", "trained bp", "frozen bp"]


def test_the_toy_flow_follows_its_equations_to_where_they_rest():
    """A step of FA on one example has dw_2 / dw_1 = w_1 / b, b = 1; all paths end at w_1 w_2 = 1."""
    (cell,) = experiment.find("lillicrap2016-linear").chosen(("toy-flow/*",))
    axes = toyflow.phase({cell.name: Outcome(cell)}, {}).axes[0]
    paths = [line.get_xydata() for line in axes.lines if len(line.get_xdata()) > 1000]
    assert len(paths) == toyflow.NETS
    for path in paths:
        (w1, _), step = path[0], path[1] - path[0]
        np.testing.assert_allclose(step[1], step[0] * w1, rtol=1e-3, atol=1e-6)
        np.testing.assert_allclose(path[-1].prod(), 1, atol=1e-3)
        np.testing.assert_allclose(
            path[:, 0] ** 2 / 2 - path[:, 1], w1**2 / 2 - path[0, 1], atol=0.15
        )  # kept by the flow
