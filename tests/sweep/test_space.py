"""What a study may say of one setting, and how Optuna is asked for it."""

import pytest

from gpufa import InvalidValue
from gpufa.sweep.space import Choices, Range, dimension

NUMBER, WHOLE, WORD = float | None, tuple[int, ...] | None, str


class Asked:
    """In place of a trial of Optuna's: what it was asked for, and the first of it."""

    def suggest_categorical(self, name, choices):
        self.asked = name, choices
        return choices[-1]

    def suggest_float(self, name, low, high, **how):
        self.asked = name, low, high, how
        return low

    suggest_int = suggest_float


def test_choices_are_values_of_any_kind():
    made = dimension("hidden", [[64], [64, 32], 8], WHOLE)
    assert made == Choices("hidden", ([64], [64, 32], 8))
    assert made.points == ["[64]", "[64, 32]", 8]
    assert [made.value(point) for point in made.points] == [[64], [64, 32], 8] == list(made.ends)
    trial = Asked()
    assert made.ask(trial) == 8
    assert trial.asked == ("hidden", made.points)


def test_a_range_is_of_floats_where_the_setting_is():
    made = dimension("lr", {"low": 1, "high": 2}, NUMBER)
    assert made == Range("lr", 1.0, 2.0, False, False, None)
    assert isinstance(made.ask(trial := Asked()), float)
    assert trial.asked == ("lr", 1.0, 2.0, {"log": False})
    assert dimension("lr", {"low": 0.1, "high": 1, "log": True}, NUMBER).log


def test_a_range_is_of_whole_numbers_where_the_setting_is():
    made = dimension("hidden", {"low": 16, "high": 64, "step": 16}, WHOLE)
    assert made == Range("hidden", 16, 64, True, False, 16)
    assert made.points == [16, 32, 48, 64]
    made.ask(trial := Asked())
    assert trial.asked == ("hidden", 16, 64, {"log": False, "step": 16})
    assert dimension("hidden", {"low": 2, "high": 4}, WHOLE).points == [2, 3, 4]
    assert dimension("scale", {"low": 0.1, "high": 0.3, "step": 0.1}, NUMBER).points == pytest.approx([0.1, 0.2, 0.3])


@pytest.mark.parametrize(
    ("said", "hint", "sentence"),
    [
        (0.1, NUMBER, "the space has lr = 0.1; give a list of values or { low = ..., high = ... }"),
        ("tanh", WORD, "the space has lr = 'tanh'"),
        ({"low": 0, "high": 1, "logs": True}, NUMBER, "the range of lr has no 'logs'; it has low, high, log, step"),
        ({"low": 0, "high": 1}, WORD, "a range of lr, which is no number; give a list of values"),
        ({"low": 0, "high": 1}, bool, "a range of lr, which is no number"),
        ({"low": 0.5, "high": 2}, WHOLE, "low = 0.5, and lr takes a whole number"),
        ({"low": 1, "high": 2.0}, WHOLE, "high = 2.0, and lr takes a whole number"),
        ({"low": 1, "high": 9, "step": 0.5}, WHOLE, "step = 0.5, and lr takes a whole number"),
        ({"low": "a", "high": 2}, NUMBER, "low = 'a', and lr takes a number"),
        ({"high": 2}, NUMBER, "low = None, and lr takes a number"),
        ({"low": 1, "high": True}, NUMBER, "high = True, and lr takes a number"),
        ({"low": 2, "high": 2}, NUMBER, "goes from 2.0 to 2.0; give a high that is above low"),
        ({"low": 1, "high": 2, "log": 1.5}, NUMBER, "log = 1.5; give true or false"),
        ({"low": 0, "high": 2, "log": True}, NUMBER, "by its logarithm from 0.0; give a low above 0"),
        ({"low": 1, "high": 2, "log": True, "step": 1}, NUMBER, "by its logarithm from 1.0 in steps"),
        ({"low": 1, "high": 2, "step": -1.0}, NUMBER, "step = -1.0; give one above 0"),
        ([], NUMBER, "the space gives lr no value; give a list of different values"),
        ([1, 2, 1.0], NUMBER, "the space gives lr 1.0 twice"),
    ],
)
def test_what_can_not_be_searched_is_refused(said, hint, sentence):
    with pytest.raises(InvalidValue) as caught:
        dimension("lr", said, hint)
    assert sentence in str(caught.value)


def test_a_range_without_steps_is_no_grid():
    for name, said, hint in (("lr", {"low": 0.1, "high": 1}, NUMBER), ("n", {"low": 1, "high": 9, "log": True}, WHOLE)):
        with pytest.raises(InvalidValue, match=f"the range of {name} has no points for a grid"):
            _ = dimension(name, said, hint).points
