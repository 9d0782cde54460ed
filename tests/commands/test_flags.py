"""The command line's help and its refusals: flags in groups, one sentence for whatever is wrong."""

import shutil
import subprocess
from dataclasses import fields

import pytest

import gpufa
from gpufa.commands.flags import FIRST, NAMES
from gpufa.commands.main import main
from gpufa.training.settings.groups import SETTINGS

SCREEN = 50  # lines


@pytest.fixture
def train_help(capsys, monkeypatch):
    def shown(*flags):
        monkeypatch.setenv("COLUMNS", "100")
        assert main(["train", *flags, "--help"]) == 0
        return capsys.readouterr().out

    return shown


def test_the_help_of_train_is_three_screens_and_the_first_has_what_a_newcomer_needs(train_help):
    text = train_help()
    assert text.count("\n") <= 3 * SCREEN
    first = "\n".join(text.splitlines()[:SCREEN])
    assert "gpufa train --data mine.csv --target price --task regression" in first
    for name in FIRST:
        assert f"--{name.replace('_', '-')} " in first


def test_every_setting_is_a_flag_in_its_group(train_help):
    text = train_help()
    for field in fields(gpufa.Config):
        assert (f"--{field.name.replace('_', '-')} " in text) == (field.name != "rule_options")
    titles = [text.index(title) for title in ("The most used", *((k.__doc__ or "").rstrip(".") for k in SETTINGS))]
    assert titles == sorted(titles)
    assert {name for kind in SETTINGS for name in kind.__dataclass_fields__} == {f.name for f in fields(gpufa.Config)}


def test_help_lists_the_names_there_are(train_help):
    text = " ".join(train_help().replace("│", " ").split())
    for names in NAMES.values():
        assert ", ".join(names) in text
    assert "laws are uniform, sign, ternary, normal" in text


@pytest.mark.parametrize("rule", ["dfa", "pepita", "eqprop"])
def test_help_shows_the_rules_own_defaults(train_help, rule):
    text = " ".join(train_help("--rule", rule).replace("│", " ").split())
    defaults = gpufa.rules.RULES[rule].defaults
    for name in ("lr", "batch_size", "epochs"):
        assert f"[default: {defaults[name]:g}, {rule}'s]" in text
    assert f"[default: {' '.join(map(str, defaults['hidden']))}, {rule}'s]" in text
    assert "None" not in text


def test_help_shows_what_a_file_says(train_help, tmp_path):
    (tmp_path / "c.toml").write_text("hidden = [12, 7]\nlr = 0.25\n")
    text = " ".join(train_help(str(tmp_path / "c.toml")).replace("│", " ").split())
    assert "[default: 12 7]" in text
    assert "[default: 0.25]" in text


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ("train --hidden 64,64", 'Invalid value for --hidden: unable to convert "64,64" into int. Separate several'),
        ("train --seeds (0,1)", "Separate several values by spaces"),
        ("train --seeds [0,1]", "Separate several values by spaces"),
        ("train --hidden []", 'unable to convert "[]" into int'),
        ("train --hiden 64", "Unknown option: --hiden. Did you mean --hidden?"),
        ("train --lr abc", 'Invalid value for --lr: unable to convert "abc" into float.'),
        ("train --epochs 1.5", 'Invalid value for --epochs: unable to convert "1.5" into int.'),
        ("train --seeds 0 1.0", 'unable to convert "1.0" into int'),
        ("train --hidden none", 'Invalid value for --hidden: unable to convert "none" into int.'),
        ("train --residual=maybe", 'unable to convert "maybe" into bool'),
        ("train --rule", "--rule"),
        ("train --backend gpu", 'Invalid value "gpu" for --backend. Choose from: "auto", "numpy", "cupy".'),
        ("train --residual yes", "yes"),
        ("train digits", "digits"),
        ("train mine.csv --lr 0.1", "Settings go as a file that ends in .toml, data as --data mine.csv."),
        ("inspect a b", "Unused Tokens: ['b']. See gpufa inspect --help."),
        ("train --set foo=1", "write --set rule.NAME=VALUE"),
        ("trian", "See gpufa --help."),
        ("trian", 'Unknown command "trian". Did you mean "train"?'),
        ("evaluate", "requires an argument"),
        ("plot r --picture curves", "Did you mean --pictures?"),
        ("data lst", 'Choose from: "list", "fetch"'),
        ("completion tcsh", 'Choose from: "bash", "zsh", "fish"'),
        ("report", "gpufa report needs a run"),
        ("compare --rules", "gpufa compare needs a rule"),
    ],
)
def test_what_is_wrong_is_told_in_one_sentence(args, said, capsys):
    assert main(args.split()) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith("gpufa: ")
    assert captured.err.count("\n") == 1
    assert said in captured.err
    assert not captured.out


def test_of_two_values_the_last_one_counts(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    args = ["train", "--epochs", "3", "--hidden", "4", "5", "--quiet", "--epochs", "1", "--out", "a", "--out", "b"]
    several = ["--hidden", "6", "--seeds", "0", "1", "--seeds", "7", "--set", "rule.scale=0.5", "--set", "rule.rank=1"]
    assert main([*args, *several]) == 0
    config = gpufa.training.settings.toml.read_toml("b/config.toml")
    assert (config.epochs, config.hidden, config.seeds) == (1, (6,), (7,))
    assert (config.rule_options["scale"], config.rule_options["rank"]) == (0.5, 1)


def test_version(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"gpufa {gpufa.__version__}\n"


def test_without_a_command_there_is_help(capsys):
    assert main([]) == 0
    out = capsys.readouterr().out
    assert out.index(" train ") < out.index(" compare ") < out.index(" resume ") < out.index(" info ")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(shell, capsys, tmp_path):
    assert main(["completion", shell]) == 0
    script = capsys.readouterr().out
    assert "--hidden" in script
    if shutil.which(shell):
        (tmp_path / "script").write_text(script)
        subprocess.run([shell, "-n", str(tmp_path / "script")], check=True, timeout=60)


def test_what_is_to_be_pasted_is_quoted(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["train", "--epochs", "1", "--hidden", "4", "--quiet", "--out", "my run"]) == 0
    assert main(["resume", "my run", "--lr", "1"]) == 2
    assert main(["resume", "my run"]) == 0

    class Failing(gpufa.Callback):
        def on_step(self, trainer):
            raise RuntimeError

    config = gpufa.Config(hidden=(4,), epochs=1, backend="numpy", out="my other run")
    with pytest.warns(gpufa.GpufaWarning, match="gpufa resume 'my other run'"), pytest.raises(RuntimeError):
        gpufa.train(config, callbacks=[Failing()])
    (tmp_path / "c.toml").write_text('rule = "my rules/own.py:Mine"\n')
    capsys.readouterr()
    assert main(["train", "c.toml"]) == 2
    assert "--rule 'my rules/own.py:Mine'" in capsys.readouterr().err


def test_an_empty_name_of_a_folder_is_refused(capsys):
    assert main(["train", "--out", ""]) == 2
    assert "out = '' names no folder; give --out a name, or leave it out" in capsys.readouterr().err
