"""What a net is judged by: targets matched with those that it was trained on."""

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from gpufa.basics.errors import InvalidValue
from gpufa.data.handed import validate
from gpufa.data.samples.about import CLASSIFICATION, REGRESSION, About, Wanted
from gpufa.data.samples.target import by_name, judged
from gpufa.data.tables.columns import match

NUMBERS = About(CLASSIFICATION, classes=("1", "2", "3"))


@pytest.mark.parametrize("y", [[2, 3, 2], [2.0, 3.0, 2.0], ["2", "3", "2"], np.array([2, 3, 2], np.uint8)])
def test_labels_go_by_the_names_of_the_classes(y: Any) -> None:
    """Also where these are numbers, and the first of them is not there."""
    found = judged(y, NUMBERS, 3)
    assert_array_equal(found, [1, 2, 1])
    assert_array_equal(judged(by_name(found, NUMBERS), NUMBERS, 3), found)


@pytest.mark.parametrize(
    ("y", "about", "told"),
    [
        ([0, 1], NUMBERS, r"y has the class 0, but those of the training data are 1, 2, 3"),
        ([0.5, 1.5], About(CLASSIFICATION), r"y is no column of labels, such as 0.5; the net tells classes"),
        (["a", "b"], About(REGRESSION), r"y is text, such as 'a', and amounts are numbers; leave that column out"),
        ([0, 1, 2], NUMBERS, r"x has 2 samples, but y 3; give one target per sample"),
    ],
)
def test_refusals(y: Any, about: About, told: str) -> None:
    with pytest.raises(InvalidValue, match=told):
        judged(y, about, 2)


def test_flags_that_do_not_go_with_the_data() -> None:
    x, y = np.eye(4), [0, 1, 0, 1]
    with pytest.raises(InvalidValue, match=r"target = a is for files and tables, and the data are arrays; hand the"):
        validate((x, y), Wanted(target=("a",)))
    about = About(CLASSIFICATION, ("kind",), None, ("a", "b"), ("a", "b", "kind"))
    with pytest.raises(InvalidValue, match=r'column "b", which the net was trained on, is not among --features'):
        match(("a", "b", "c"), 3, about, 2, Wanted(features=("a", "c")))
