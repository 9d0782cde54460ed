"""A study's file: what it means, and what is refused before a trial is begun."""

import pytest
from sweeplab import table, written

from gpufa import FileProblem, InvalidValue
from gpufa.sweep.studyfile import plan_of, read

SCALE = {"low": 0.1, "high": 10.0, "log": True}


def test_settings_and_spaces_of_all_and_of_one_rule():
    rules = {
        "bp": {},
        "dfa": {"settings": {"dropout": 0.1, "rule": {"law": "normal"}}, "space": {"rule": {"scale": SCALE}}},
    }
    made = plan_of(table(rules=rules))
    bp, dfa = made.arms
    assert [d.name for d in bp.space] == ["lr"]
    assert [d.name for d in dfa.space] == ["lr", "rule.scale"]
    config = dfa.config({"lr": 0.01, "rule.scale": 2.0}, out="here", blind=True)
    assert (config.rule, config.rule_options) == ("dfa", {"law": "normal", "scale": 2.0})
    assert (config.lr, config.dropout, config.out, config.blind, config.hidden) == (0.01, 0.1, "here", True, (8,))
    assert bp.config().dropout == 0


def test_fresh_seeds_are_none_of_the_search():
    assert plan_of(table(settings__seeds=[1, 3], fresh_seeds=3)).fresh == (0, 2, 4)
    assert plan_of(table(settings__seeds=None)).fresh == (3, 4)  # a run's own are 0 1 2


def test_the_most_epochs_that_a_trial_may_train():
    assert plan_of(table()).arms[0].epochs == 2
    assert plan_of(table(settings__epochs=None)).arms[0].epochs == 50  # the rule's default
    assert plan_of(table(settings__epochs=None, space__epochs=[4, 9, 2])).arms[0].epochs == 9


def test_a_grid_has_every_combination():
    made = plan_of(
        table(sampler="grid", trials=4, space__lr=[0.1, 0.2], space__hidden=[[4], [4, 4]], settings__hidden=None)
    )
    assert made.arms[0].grid() == [
        {"lr": 0.1, "hidden": "[4]"},
        {"lr": 0.1, "hidden": "[4, 4]"},
        {"lr": 0.2, "hidden": "[4]"},
        {"lr": 0.2, "hidden": "[4, 4]"},
    ]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"trial": 3}, "a study has no 'trial'; it has rules, trials, sampler"),
        ({"trials": None}, "how many trials each rule gets; add trials = 30"),
        ({"trials": 0}, "trials can't be 0; give a whole number of at least 1"),
        ({"trials": 2.5}, "trials can't be 2.5"),
        ({"warmup": -1}, "warmup can't be -1"),
        ({"seed": "a"}, "seed can't be 'a'"),
        ({"fresh_seeds": 0}, "fresh_seeds can't be 0"),
        ({"sampler": "cma"}, "unknown sampler 'cma'; choose one of tpe, random, grid"),
        ({"pruner": "best"}, "unknown pruner 'best'; choose one of median, hyperband, none"),
        ({"rules": []}, 'the study names no rule; add rules = ["bp", "dfa"]'),
        ({"rules": "bp"}, "rules can't be 'bp'; give a list"),
        ({"rules": ["bp", "nope"]}, "unknown rule 'nope'; choose one of bp"),
        ({"rules": ["bp"], "settings": {}}, "add validation = 0.1"),
        ({"rules": {"bp": {"epochs": 3}}}, "rules.bp = {'epochs': 3} can't be read; it may have settings and a space"),
        ({"rules": {"bp": {"settings": {"samples": 9}}}}, "samples decides what trials are judged by"),
        ({"rules": ["x.py:Mine"]}, "no code runs because a file names it; name it yourself, --rules x.py:Mine"),
        ({"settings": 3}, "settings = 3 is no table"),
        ({"settings__out": "here"}, "settings has out, which a study gives itself"),
        ({"settings__rule": "bp"}, "settings has rule, which a study gives itself: rules has the rules"),
        ({"space__rule": {"name": ["bp"]}}, "space has rule, which a study gives itself"),
        ({"space__seeds": [0, 1]}, "space has seeds, which decides what trials are judged by"),
        *(
            ({f"space__{name}": ["a", "b"]}, f"space has {name}, which decides what trials are judged by")
            for name in ("tokens", "length", "encoding", "sample_weights", "stream", "missing", "features")
        ),
        ({"rules": {"bp": {"settings": {"length": 9}}}}, "length decides what trials are judged by"),
        ({"space__validation": [0.1, 0.2]}, "so that their errors can't be compared"),
        ({"settings__validation": None}, "as --validation 0.1 does for a run (test data never choose anything)"),
        ({"settings__validation": 0.0}, "validation = 0 holds no samples out"),
        ({"space": {}}, "there is nothing to search for rule 'bp'; add a [space]"),
        ({"settings__lr": 0.1}, "lr stands in the settings and in the space; leave one of them out"),
        ({"space__lrr": [1, 2]}, "unknown setting 'lrr'; the settings are data, tokens"),
        ({"space__rule": {"scale": SCALE}}, "rule 'bp' has no option 'scale'; it has window, truncate"),
        ({"rules": {"dfa": {"space": {"rule": {"law": ["cauchy"]}}}}}, "unknown feedback law 'cauchy'"),
        ({"rules": {"dfa": {"space": {"rule": {"law": SCALE}}}}}, "a range of rule.law, which is no number"),
        ({"space__dropout": {"low": 0.5, "high": 1.5}}, "dropout = 1.5 can't be used"),
        ({"space__epochs": [2, "many"], "settings__epochs": None}, "epochs = 'many' can't be used"),
        ({"settings__hiden": [8]}, "unknown setting 'hiden'"),
        ({"space__activation": ["tanh", "mine.py:mine"]}, "the study names the activation 'mine.py:mine', and no code"),
        ({"rules": ["bp", "dfa", "bp"]}, "the study names the rule 'bp' twice; name it once"),
        ({"sampler": "grid"}, "the range of lr has no points for a grid"),
        ({"sampler": "grid", "space__lr": [1.0, 2.0]}, "grid of rule 'bp' has 2 points, and each rule gets trials = 3"),
    ],
)  # fmt: skip
def test_what_a_study_can_not_say_is_refused_in_a_sentence(changes, sentence):
    with pytest.raises(InvalidValue) as caught:
        plan_of(table(**changes))
    assert sentence in str(caught.value)


def test_two_rules_of_one_name(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text("import gpufa\n\n\nclass BP(gpufa.Rule):\n    pass\n")
    own = f"{path}:BP"
    assert plan_of(table(rules=[own]), [own]).arms[0].name == "bp"
    with pytest.raises(InvalidValue, match="two of the rules have the name 'bp'"):
        plan_of(table(rules=["bp", own]), [own])


def test_files_that_can_not_be_read(tmp_path):
    with pytest.raises(FileProblem, match="does not exist; give the path of a TOML file"):
        read(tmp_path / "none.toml")
    with pytest.raises(FileProblem, match="can't be read"):
        read(tmp_path)
    path = written(tmp_path)
    assert read(path).trials == 3
    path.write_text("trials = ")
    with pytest.raises(FileProblem, match="is no valid TOML"):
        read(path)
