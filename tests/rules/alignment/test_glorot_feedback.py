"""Feedback by Glorot's law: the range of each matrix, by the fans of what it stands for."""

import math

import numpy as np
import pytest

import gpufa
from gpufa.basics.errors import InvalidValue
from gpufa.rules import make_rule

WORDS = ["input 2x12x12", "conv 6 5x5 relu, pool 2", "conv 8 3x3 relu", "dense 40 relu", "dense 10"]
# B1 stands for a kernel 8x6x3x3, B2 for a matrix 288 x 40, B3 for one of 40 x 10
FANS = {"fa": {"B1": (6 * 9, 8 * 9), "B2": (288, 40), "B3": (40, 10)},
        "dfa": {"B1": (6 * 36, 10), "B2": (288, 10), "B3": (40, 10)},
        "repeated": {"B1": (6 * 9, 10 * 9), "B2": (288, 10), "B3": (40, 10)}}  # fmt: skip


@pytest.mark.parametrize("kind", FANS)
@pytest.mark.parametrize("scale", [1.0, 0.5])
def test_the_range_is_that_of_the_fans(kind, scale):
    options = {"glorot": True, "scale": scale} | ({"places": kind} if kind == "repeated" else {})
    net = gpufa.Network(WORDS, rule=make_rule("fa" if kind == "fa" else "dfa", options), backend="numpy")
    for name, fans in FANS[kind].items():
        B, bound = np.asarray(net.feedback[name]), scale * math.sqrt(6 / sum(fans))
        assert 0.97 * bound < abs(B).max() <= bound
        assert abs(B.std() / (bound / math.sqrt(3)) - 1) < 0.1


def test_it_is_a_law_of_its_own_and_leaves_no_trace_where_it_is_not_used():
    for options in ({"law": "normal"}, {"by_width": False}):
        with pytest.raises(InvalidValue, match=r"glorot is a law with a size of its own; leave rule.law and rule.by"):
            make_rule("fa", {"glorot": True, **options})
    with pytest.raises(InvalidValue, match=r"glorot = 'yes' can't be used; set rule.glorot to true or false"):
        make_rule("dfa", {"glorot": "yes"})
    with pytest.raises(InvalidValue, match=r"F has a size of its own, .*; leave rule.glorot out"):
        make_rule("pepita", {"glorot": True})
    for name in ("fa", "dfa", "sdfa", "drtp", "topology", "ifa"):
        assert "glorot" not in make_rule(name, {}).options
        assert make_rule(name, {"glorot": True}).options["glorot"] is True
