"""Rows of one's own: what is told of those that are not right, and that gpufa's own all are."""

import numpy as np
import pytest
from partlab import CUBE, HALVE, OWN, SMALL, cube, cube_slope, huber, identity, signed

from gpufa import Activation, FileProblem, Initialiser, InvalidValue, Loss, Optimizer, Schedule
from gpufa.functions.activations import ACTIVATIONS, activation
from gpufa.functions.initialisers import INITIALISERS
from gpufa.functions.losses import LOSSES
from gpufa.functions.optimizers import OPTIMIZERS
from gpufa.functions.parts import parts_of
from gpufa.functions.schedules import SCHEDULES

SHIPPED = [row for table in (ACTIVATIONS, LOSSES, OPTIMIZERS, SCHEDULES, INITIALISERS) for row in table.values()]


@pytest.mark.parametrize("row", [*SHIPPED, *OWN], ids=lambda row: f"{row.kind}-{row.name}")
def test_gpufas_own_rows_and_right_ones_are_without_fault(row):
    assert row.fault() == ""
    assert row.on_gpu == (row in SHIPPED or row in (HALVE, SMALL))


def nothing(*_):
    pass


def both(p, g, states, t, c):
    p -= c.lr * g / np.linalg.norm(g)


def explodes(p, g, states, t, c):
    p[...] = np.nan


def half(a, yhat):
    yhat[...] = a / 2


DRAWS = np.random.default_rng()
FAULTS = [
    (
        Activation("f", "a", cube, lambda a, g, t: np.multiply(a, 2, out=g)),
        "has the derivative -8.006 at -4.003",
    ),
    (Activation("f", "h", cube, cube_slope), "has the derivative"),
    (Activation("f", "z", cube, cube_slope), 'has a derivative of \'z\'; say "h" or "a"'),
    (Activation("f", "a", nothing, cube_slope), "has values that are not finite, or not written into h"),
    (Activation("f", "a", cube, nothing), "has the derivative nan"),
    (Activation("f", "a", cube, cube_slope, learns=False), "has learns = False, against its derivative"),
    (
        Activation("f", "h", lambda a, h: np.negative(a, out=h), lambda h, g, t: g.fill(-1), rising=True),
        "falls somewhere, though it says rising = True; leave that out",
    ),
    (
        Activation("f", "a", lambda a, h: np.minimum(a, 12 - a, out=h), lambda a, g, t: g.fill(1), rising=True),
        "falls somewhere, though it says rising = True; leave that out",
    ),
    (Activation("f", "a", lambda a: a, cube_slope), "can't be used (TypeError: "),
    (Activation("relu", "a", cube, cube_slope), "is gpufa's own; give yours another name"),
    (Activation("my f", "a", cube, cube_slope), "has no name that can be written in settings"),
    (Activation("f", "h", lambda a, h: (np.copyto(h, 0), np.add(h, a, out=h)), nothing), "has other values where h is"),
    (Loss("l", half, LOSSES["squared_error"].values), "where central differences of its values give"),
    (Loss("l", identity, huber), "has the error"),
    (Loss("l", identity, nothing), "has values that are not finite, or not written"),
    (Loss("l", identity, huber, unfit=lambda y: "no"), "takes neither one-hot targets (no) nor shares above 0"),
    (Optimizer("o", (), both), "makes other weights of a stretch than of its pieces"),
    (Optimizer("o", (), nothing), "leaves the weights as they were"),
    (Optimizer("o", (), explodes), "makes weights that are not finite"),
    (Optimizer("o", (), signed, plain=True), "is plain, and does something else than p -= lr * g"),
    (Optimizer("o", ["v"], signed), "has states ['v'] and decay 'l2'; give names such as"),
    (Optimizer("o", ("u", "v", "w"), signed, cuda="p -= lr * g;"), "has 3 states, and CUDA text is for at most 2"),
    (Schedule("s", lambda p: -1.0), "schedule 's' has the factor -1.0 at step 0"),
    (Schedule("s", lambda p: "x"), "can't be used (TypeError"),
    (Initialiser("i", nothing), "leaves weights that are not finite, or not written"),
    (
        Initialiser("i", lambda w, *_: DRAWS.random(out=w, dtype=w.dtype)),
        "makes two matrices of one seed and layer",
    ),
]


@pytest.mark.parametrize(("row", "told"), FAULTS, ids=[f"{row.kind}-{told[:24]}" for row, told in FAULTS])
def test_a_row_that_is_not_right_is_told_in_a_sentence(row, told):
    with pytest.raises(InvalidValue) as refused:
        parts_of([row])
    assert told in str(refused.value)
    assert str(refused.value).startswith(f"{row.kind} {row.name!r} ")


def test_a_kink_is_no_fault():
    kinked = Activation("f", "a", lambda a, h: np.abs(a, out=h), lambda a, g, t: np.sign(a, out=g))
    assert kinked.fault() == ""


def test_rows_are_found_by_name_by_themselves_and_in_files(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text("import gpufa\nslow = gpufa.Schedule('slow', lambda p: 0.5)\nlist = [1]\n")
    assert activation("tanh") == activation(ACTIVATIONS["tanh"])
    assert activation("cube", OWN) == activation(CUBE) == CUBE
    assert Schedule.find(f"{file}:slow").at(None) == 0.5
    assert [row.name for row in parts_of([f"{file}:slow", CUBE, CUBE])] == ["slow", "cube"]
    with pytest.raises(FileProblem, match=r"defines no loss 'slow'; it must hold a gpufa.Loss"):
        Loss.find(f"{file}:slow")
    with pytest.raises(FileProblem, match=r"defines no part 'list'; it must hold a gpufa.Activation, Loss, Optimizer"):
        parts_of([f"{file}:list"])
    with pytest.raises(FileProblem, match=r"activation file 'no.py' does not exist; give path/to/file.py:NAME"):
        activation("no.py:f")
    with pytest.raises(InvalidValue, match=r"unknown activation 'cube'; choose one of .*, or hand in your own"):
        activation("cube")
    with pytest.raises(InvalidValue, match=r"3 is no part; give a row such as gpufa.Activation, or path/to/"):
        parts_of([3])
    with pytest.raises(InvalidValue, match="two different parts are schedule 'slow'; give them different names"):
        parts_of([f"{file}:slow", Schedule("slow", lambda p: 1.0)])


def test_a_loss_of_targets_above_zero_is_tried_on_shares():
    """Gamma's, of a mean exp(a): y / exp(a) + a, whose error is 1 - y exp(-a)."""

    def values(a, y, value, t):
        value[...] = (y * np.exp(-a) + a).sum(axis=-2)

    def error(a, y, e):
        e[...] = 1 - y * np.exp(-a)

    def unfit(y):
        return "" if y.min() > 0 else f"there is {y.min():g}, and they must be above 0"

    assert Loss("gamma", identity, values, error=error, unfit=unfit).fault() == ""
    assert (
        "has the error"
        in Loss("gamma", identity, values, error=lambda a, y, e: error(a, 2 * y, e), unfit=unfit).fault()
    )
