"""Text on the command line: train from a TOML, resume, evaluate, generate, and what each refuses."""

import pytest
from commandlab import run

TEXT = "to be, or not to be: that is the question.\n" * 60
TOML = """
data = "text:a.txt"
tokens = "char"
length = 12
layers = ["embed 8", "residual(layer norm, attention 2 causal)"]
rule = "dfa"
epochs = 2
seeds = [0]
backend = "numpy"
out = "run"
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "a.txt").write_text(TEXT)
    (tmp_path / "a.toml").write_text(TOML)
    return tmp_path


def test_from_text_to_text(folder):
    done = run("train", "a.toml", cwd=folder)
    said = done.stdout + done.stderr
    assert "text by char: target: the next of 17 tokens, at each of 12" in said
    assert "perplexity" in run("evaluate", "run", cwd=folder).stdout
    assert "perplexity" in run("evaluate", "run", "--data", "text:a.txt", cwd=folder).stdout
    run("resume", "run", "--epochs", "3", cwd=folder)
    told = run("generate", "run", "--prompt", "to be", "--tokens", "9", "--seed", "3", cwd=folder).stdout
    assert told.startswith("to be")
    assert len(told.rstrip("\n")) <= 14
    assert told == run("generate", "run", "--prompt", "to be", "--tokens", "9", "--seed", "3", cwd=folder).stdout


def test_what_is_refused(folder):
    run("train", "a.toml", "--quiet", cwd=folder)
    assert "has the character 'X'" in run("generate", "run", "--prompt", "X", cwd=folder, ok=2).stderr
    assert "predict writes a line a sample" in run("predict", "run", "text:a.txt", cwd=folder, ok=2).stderr
    assert "is for text" in run("train", "--tokens", "char", cwd=folder, ok=2).stderr
    (folder / "own.py").write_text("codes = 3")
    (folder / "b.toml").write_text(TOML.replace('"char"', '"own.py:codes"'))
    assert "no code runs because a config file names it" in run("train", "b.toml", cwd=folder, ok=2).stderr


def test_text_in_another_encoding_is_judged(folder):
    text = "nö tö bö, " * 60
    (folder / "a.txt").write_text(text, encoding="utf-8")
    (folder / "b.txt").write_text(text, encoding="latin-1")
    run("train", "a.toml", "--quiet", cwd=folder)
    assert "is no text in utf-8" in run("evaluate", "run", "--data", "text:b.txt", cwd=folder, ok=2).stderr
    found = run("evaluate", "run", "--data", "text:b.txt", "--encoding", "latin-1", cwd=folder).stdout
    (folder / "c.txt").write_text(text[:-1], encoding="utf-8")
    assert found.split("loss")[1] == run("evaluate", "run", "--data", "text:c.txt", cwd=folder).stdout.split("loss")[1]
    for flag in "--features", "--drop":
        done = run("evaluate", "run", "--data", "text:b.txt", flag, "x", cwd=folder, ok=2)
        assert "is for data with a target" in done.stderr
    done = run("evaluate", "run", "--data", "digits", "--encoding", "latin-1", cwd=folder, ok=2)
    assert "encoding = 'latin-1' is for text" in " ".join(done.stderr.split())


def test_what_a_run_says_of_itself(folder):
    run("train", "a.toml", "--quiet", cwd=folder)
    assert "the next of 17 tokens, at each of 12" in run("inspect", "run", cwd=folder).stdout
    assert "attention 4 causal" in run("train", "--data", "text:a.txt", "--hidden", "8", cwd=folder, ok=2).stderr
