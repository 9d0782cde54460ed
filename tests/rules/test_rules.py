"""What every rule keeps to: passes change nothing, hidden layers learn, feedback is as asked for."""

import numpy as np
import pytest
from rulelab import OWN, close, network, samples

import gpufa
from gpufa.rules import RULES, make_rule
from gpufa.rules.direct.dfa import DFA


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_changes_nothing_in_a_pass(rule):
    sizes = [5, *OWN.get(rule, {}).get("hidden", (6, 4)), 3]
    net = network(sizes, rule)
    before = {name: p.copy() for name, p in {**net.parameters, **net.feedback}.items()}
    batch = samples(sizes)
    first = net.gradients(*batch)
    close(net.gradients(*batch), first, 0)
    for name, p in {**net.parameters, **net.feedback}.items():
        np.testing.assert_array_equal(p, before[name])


@pytest.mark.parametrize("rule", sorted(RULES.keys() - {"shallow", "dni", "elm", "nn_lift"}))
def test_hidden_gradients_are_not_zero(rule):
    net = network([5, 6, 4, 3], rule)
    unused = ("W3", "b3") if rule == "forward_forward" else ()
    found = net.gradients(*samples([5, 6, 4, 3]))
    assert all(np.abs(g).max() > 1e-6 for name, g in found.items() if name not in unused)


def test_feedback_shapes_and_scale():
    shapes = {
        "bp": {},
        "fa": {"B1": (40, 30), "B2": (30, 3)},
        "dfa": {"B1": (40, 3), "B2": (30, 3)},
        "ifa": {"B1": (40, 3)},
    }
    for rule, expected in shapes.items():
        net = gpufa.Network([5, 40, 30, 3], rule=rule, backend="numpy")
        assert {name: b.shape for name, b in net.feedback.items()} == expected
        for b in net.feedback.values():
            bound = 1 / np.sqrt(len(b))
            assert 0.9 * bound < np.abs(b).max() <= bound
    for law, deviation in (("uniform", 3**-0.5), ("sign", 1), ("normal", 1)):
        net = gpufa.Network([5, 400, 30], rule=DFA(law=law, scale=2.0), backend="numpy")
        b = net.feedback["B1"]
        np.testing.assert_allclose(b.std(), 2 * deviation / 20, rtol=0.03)
        same = gpufa.Network([5, 400, 90, 30], rule=DFA(law=law, scale=0.5, by_width=False), backend="numpy").feedback
        np.testing.assert_allclose([same["B1"].std(), same["B2"].std()], deviation / 2, rtol=0.04)
    assert set(np.unique(np.abs(gpufa.Network([5, 16, 3], rule=DFA(law="sign"), backend="numpy").feedback["B1"]))) == {
        0.25
    }


@pytest.mark.parametrize(
    ("rule", "options", "text"),
    [
        ("back", {}, "unknown rule 'back'; choose one of bp, shallow, fa, dfa, ifa, "),
        (
            "dfa",
            {"beta": 1},
            "rule 'dfa' has no option 'beta'; it has law, scale, by_width, density, glorot, rank, shared",
        ),
        ("bp", {"scale": 1}, "rule 'bp' has no option 'scale'; it has window, truncate: set"),
        (
            "fa",
            {"law": "cauchy"},
            "unknown feedback law 'cauchy'; set rule.law to one of uniform, sign, ternary, normal",
        ),
        ("fa", {"scale": -1.0}, "feedback scale -1.0 can't be used"),
        ("fa", {"scale": "big"}, "feedback scale 'big' can't be used"),
        ("dfa", {"inject": "output"}, "unknown place for the error 'output'"),
        ("nowhere.py:Mine", {}, "rule file 'nowhere.py' does not exist"),
        (object, {}, "is no learning rule"),
    ],
)
def test_bad_rules_are_refused(rule, options, text):
    with pytest.raises(gpufa.GpufaError) as error:
        make_rule(rule, options)
    assert text in str(error.value)


def test_a_rule_file_must_hold_the_rule(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text("Mine = 3\n")
    with pytest.raises(gpufa.FileProblem, match="defines no rule 'Mine'"):
        make_rule(f"{path}:Mine")


def test_a_signal_that_does_not_fit_is_refused():
    class Wrong(gpufa.FeedbackRule):
        def fixed(self, sizes):
            return {"B1": self.feedback(3, 4)}

        def deltas(self, net, e):
            net.inject(1, net.B[1], e)

    text = r"can't send a signal \(1, 2, 5\) through a matrix \(1, 3, 4\) to layer 1 of 6 units; it takes"
    with pytest.raises(gpufa.InvalidValue, match=text):
        gpufa.Network([4, 6, 2], rule=Wrong, backend="numpy").gradients(np.ones((5, 4)), np.zeros(5, int))


def test_a_rule_without_deltas_says_so():
    class Empty(gpufa.Rule):
        pass

    text = r"rule 'empty' fills no net.delta; let it define deltas\(net, e\), or say that it makes none: makes = "
    with pytest.raises(gpufa.InvalidValue, match=text):
        gpufa.Network([4, 6, 2], rule=Empty, backend="numpy").gradients(np.ones((5, 4)), np.zeros(5, int))


@pytest.mark.parametrize("activation", ["sign", "step"])
@pytest.mark.parametrize("rule", ["bp", "fa", "dfa", "ifa"])
def test_units_without_derivative_are_refused_with_the_rule_that_can(rule, activation):
    with pytest.raises(
        gpufa.InvalidValue, match=r"derivative zero.*use rule 'dfa' with --set rule.inject=pre_activation"
    ):
        gpufa.Network([4, 3, 2], activation=activation, rule=rule, backend="numpy")
