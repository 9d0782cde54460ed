"""Gradients of what direct feedback sends to tokens are the same whether its factors are multiplied first or last."""

import numpy as np
import pytest
from rulelab import close, host
from tokenlab import data, made

from gpufa.backends.operations.operands import Factors
from gpufa.rules.direct.dfa import DFA

DENSE = "residual(layer norm, dense 9 gelu, dense 16)"
NETS = {
    "dense": ["tokens 6 of 3", f"embed 16, positions, residual(layer norm, attention 2 causal), {DENSE}", "dense 3"],
    "attention": ["tokens 6 of 3", "embed 16", "residual(layer norm, attention 4)", f"{DENSE}, layer norm", "dense 3"],
    "shortcut": [
        "tokens 6 of 3",
        "embed 16",
        "residual(attention 2 nobias, dense 8 tanh, dense 18 | dense 18)",
        "dense 3",
    ],
    "wide": ["tokens 6 of 40", "embed 16", "dense 16", "dense 40"],
}
RULES = "dfa", "sdfa", "drtp", "dkp", "ranked"


def gradients(words, rule, backend):
    net = made(words, DFA(rank=2) if rule == "ranked" else rule, backend=backend)
    return {name: host(net, g) for name, g in net.gradients(*data(net)).items()}


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("words", NETS.values(), ids=list(NETS))
def test_either_order_comes_to_the_same(words, rule, backend, monkeypatch):
    asked = []
    real = Factors.few.fget
    monkeypatch.setattr(Factors, "few", property(lambda self: asked.append(real(self)) or real(self)))
    found = gradients(words, rule, backend)
    assert set(asked) == ({False} if words is NETS["wide"] and rule != "ranked" else {True})
    monkeypatch.setattr(Factors, "few", property(lambda self: False))
    close(found, gradients(words, rule, backend), 1e-11)


def test_fewer_products_are_those_of_half_the_numbers():
    shapes = [((1, 256, 65), 4096, True), ((1, 256, 130), 4096, False), ((1, 4, 2), 64, False), ((1, 8, 2), 8, True)]
    for matrix, columns, few in shapes:
        assert Factors(np.zeros(matrix), np.zeros((1, matrix[2], columns))).few == few
