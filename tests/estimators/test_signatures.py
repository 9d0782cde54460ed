"""The parameters are Config's fields and MLPClassifier's names, in one signature."""

import inspect
from dataclasses import fields

import pytest

pytest.importorskip("sklearn")

import signatures
from sklearn.neural_network import MLPClassifier, MLPRegressor

import gpufa
from gpufa.sklearn import FeedbackClassifier, FeedbackRegressor
from gpufa.sklearn.names import ELSEWHERE, OfMLP, in_parameters, parameter
from gpufa.sklearn.parameters import Parameters

BOTH = FeedbackClassifier, FeedbackRegressor


def test_the_signature_is_made_of_the_settings():
    """Else run python tests/signatures.py."""
    assert signatures.FILE.read_text() == signatures.text()


@pytest.mark.parametrize("estimator", BOTH)
def test_every_setting_is_a_parameter_once(estimator):
    found = list(inspect.signature(estimator).parameters)
    settings = [parameter(f.name) for f in fields(gpufa.Config) if f.name not in ELSEWHERE]
    assert sorted(found) == sorted([*settings, *(f.name for f in fields(OfMLP))])


def test_a_setting_that_is_not_touched_is_configs():
    own, defaults = FeedbackClassifier(), gpufa.Config()
    ours = {"seeds", "rule_options", "dtype"}  # one net; no mutable default; X's own type
    for name in {f.name for f in fields(gpufa.Config)} - ELSEWHERE.keys() - ours:
        assert getattr(own, parameter(name)) == getattr(defaults, name), name


@pytest.mark.parametrize(("mine", "theirs"), [(FeedbackClassifier, MLPClassifier), (FeedbackRegressor, MLPRegressor)])
def test_every_name_of_the_mlps_is_there(mine, theirs):
    """In the same order where they may be given by position; the regressor's loss is by name alone."""
    there = set(inspect.signature(theirs).parameters)
    assert there <= set(inspect.signature(mine).parameters)
    assert list(inspect.signature(mine).parameters)[:2] == ["hidden_layer_sizes", "activation"]


def test_each_is_documented_and_typed():
    told = {line.split()[0] for line in inspect.getdoc(Parameters).splitlines() if not line.startswith(" ")}
    for name, one in inspect.signature(FeedbackClassifier).parameters.items():
        assert name in told
        assert one.annotation is not inspect.Parameter.empty


def test_errors_speak_of_parameters():
    assert in_parameters("lr = -1 can't be used: change --lr") == (
        "learning_rate_init = -1 can't be used: change learning_rate_init"
    )
    assert in_parameters("add --class-weights balanced") == "add class_weight balanced"
    assert in_parameters("set --set rule.density=0.1") == "set rule_options={'density': 0.1}"
    assert in_parameters("leave --rule out") == "leave rule out"
