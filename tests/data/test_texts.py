"""Text as windows of tokens: how it is read, parted, made numbers of, and refused."""

import numpy as np
import pytest

import gpufa
from gpufa.data.datasets import load_inputs
from gpufa.data.samples.about import About, Wanted
from gpufa.data.text.texts import windows
from gpufa.data.text.tokens import Vocabulary, known_by, vocabulary_of

TEXT = "the cat sat on the mat. the dog ate the cat's food,\nand then it rained all day: " * 20
OWN = """
class Pairs:
    def encode(self, text):
        return [ord(c) % 7 for c in text]

    def decode(self, numbers):
        return "".join("abcdefg"[i] for i in numbers)

pairs = Pairs()

class Wrong:
    def __init__(self, numbers):
        self.numbers = numbers
    def encode(self, text):
        if self.numbers is None:
            raise RuntimeError("no model")
        return self.numbers
    decode = str

floats, negative, square, broken = Wrong([0.5, 1.0]), Wrong([-1, 2]), Wrong([[1, 2]]), Wrong(None)
"""


def file(tmp_path, text=TEXT, name="a.txt", encoding="utf-8"):
    (tmp_path / name).write_bytes(text.encode(encoding))
    return f"text:{tmp_path / name}"


@pytest.mark.parametrize("tokens", ["char", "word"])
def test_each_target_is_the_next_token_and_the_last_stretch_is_the_test(tmp_path, tokens):
    data = gpufa.load_data(file(tmp_path), tokens=tokens, length=16)
    by = vocabulary_of(TEXT, tokens)
    numbers, test = by.encode(TEXT), round(0.1 * len(by.encode(TEXT)))
    split = len(numbers) - test
    for x, y, part in ((data.x_train, data.y_train, numbers[:split]), (data.x_test, data.y_test, numbers[split:])):
        assert x.shape == y.shape == ((len(part) - 1) // 16, 16)
        np.testing.assert_array_equal(x.reshape(-1), part[: x.size])
        np.testing.assert_array_equal(y.reshape(-1), part[1 : x.size + 1])
    assert data.x_train.dtype == np.uint8
    assert data.about == About("classification", places=16, tokens=tokens, vocabulary=by.names)
    assert by.decode(numbers) == TEXT


def test_characters_are_sorted_and_words_are_runs_of_letters():
    assert vocabulary_of("b\u00e9a\U0001f600b", "char").names == ("a", "b", "\u00e9", "\U0001f600")
    by = vocabulary_of("don't stop_it, 42!", "word")
    assert by.names == (" ", "!", "'", ",", "42", "don", "stop_it", "t")
    assert by.decode(by.encode("42 t!")) == "42 t!"
    np.testing.assert_array_equal(Vocabulary("char", ("a", "b", "\U0001f600")).encode("b\U0001f600a"), [1, 2, 0])


@pytest.mark.parametrize(("tokens", "kind", "new"), [("char", "character", "the zoo"), ("word", "word", "the zoo")])
def test_what_a_vocabulary_lacks(tokens, kind, new):
    by = vocabulary_of(TEXT, tokens)
    with pytest.raises(gpufa.InvalidValue, match=rf"has the {kind} 'z\w*' as its token \d .* its \d+ tokens are all"):
        by.encode(new)


def test_large_vocabularies_are_floats():
    x, y = windows(np.arange(2000) % 300, 10, 300, "it")
    assert (x.dtype, y.dtype) == (np.float32, np.int64)


def test_other_encodings(tmp_path):
    data = gpufa.load_data(
        file(tmp_path, "caf\u00e9 \u00e0 la carte\n" * 40, encoding="latin-1"), length=8, encoding="latin-1"
    )
    assert "\u00e9" in data.about.vocabulary
    with pytest.raises(gpufa.FileProblem, match=r"a.txt is no text in utf-8: byte 3 is 0xe9 .* --encoding .* latin-1"):
        gpufa.load_data(f"text:{tmp_path / 'a.txt'}", length=8)
    with pytest.raises(gpufa.InvalidValue, match=r"encoding = 'klingon' is none that Python knows"):
        gpufa.load_data(f"text:{tmp_path / 'a.txt'}", encoding="klingon")


def test_marks_and_ends_of_lines_are_those_of_text(tmp_path):
    plain = gpufa.load_data(file(tmp_path, "ab\ncd\n" * 50), length=4)
    marked = gpufa.load_data(file(tmp_path, "\ufeff" + "ab\r\ncd\r\n" * 50, "b.txt"), length=4)
    np.testing.assert_array_equal(plain.x_train, marked.x_train)


def test_text_is_found_in_the_data_folder(tmp_path, monkeypatch):
    (tmp_path / "text").mkdir()
    (tmp_path / "text" / "mine.txt").write_text(TEXT)
    monkeypatch.setenv("GPUFA_DATA", str(tmp_path))
    assert gpufa.load_data("text:mine.txt", length=8).about.tokens == "char"
    with pytest.raises(gpufa.FileProblem, match=r"there is no file 'other.txt' of text, nor in \$GPUFA_DATA/text"):
        gpufa.load_data("text:other.txt")


def test_a_tokenizer_of_one_s_own(tmp_path):
    (tmp_path / "own.py").write_text(OWN)
    data = gpufa.load_data(file(tmp_path), tokens=f"{tmp_path / 'own.py'}:pairs", length=8)
    assert data.about.vocabulary == 7
    assert data.about.tokens.endswith("own.py:pairs")
    assert data.x_train[0, 0] == ord(TEXT[0]) % 7
    for name, why in (
        ("floats", r"encode gives \[0.5, 1.0\], float64 .* whole numbers from 0"),
        ("negative", r"encode gives \[-1, 2\]"),
        ("square", r"of the shape \(1, 2\)"),
        ("broken", r"the tokenizer fails at a text of \d+ characters \(RuntimeError: no model\)"),
    ):
        with pytest.raises(gpufa.InvalidValue, match=why):
            gpufa.load_data(file(tmp_path), tokens=f"{tmp_path / 'own.py'}:{name}")
    with pytest.raises(gpufa.FileProblem, match=r"own.py' defines no 'missing'"):
        gpufa.load_data(file(tmp_path), tokens=f"{tmp_path / 'own.py'}:missing")
    with pytest.raises(gpufa.InvalidValue, match=r"unknown kind of tokens 'bpe'; choose one of char, word, or path/to"):
        gpufa.load_data(file(tmp_path), tokens="bpe")


def test_which_tokenizer_a_net_knows():
    own, chars = (
        About("classification", tokens="a.py:b", vocabulary=7),
        About("classification", tokens="char", vocabulary=("a",)),
    )
    with pytest.raises(
        gpufa.InvalidValue, match=r"tokens of 'a.py:b', and no code runs .* --tokenizer path/to/file.py"
    ):
        known_by(own)
    with pytest.raises(
        gpufa.InvalidValue, match=r"on text by char, and its vocabulary stands in the checkpoint; leave"
    ):
        known_by(chars, "a.py:b")
    assert known_by(chars).decode([0, 0]) == "aa"


def test_windows_of_another_text(tmp_path):
    about = gpufa.load_data(file(tmp_path), length=16).about
    x, y = load_inputs(file(tmp_path, "the dog sat on the cat", "b.txt"), 16, about)
    assert x.shape == y.shape == (1, 16)
    with pytest.raises(gpufa.InvalidValue, match="the character 'X' as its token 4"):
        load_inputs(file(tmp_path, "the X sat on the cat", "b.txt"), 16, about)
    with pytest.raises(gpufa.InvalidValue, match="is text, and the net was not trained on any"):
        load_inputs(file(tmp_path), 16, None)


@pytest.mark.parametrize(
    ("text", "settings", "why"),
    [
        ("", {}, "is empty; give a file with text"),
        ("aaaaaa" * 10, {"length": 4}, r"has 1 token, 'a', only"),
        ("abc", {"length": 4}, r"a fraction of 0.1 of these 3 tokens of text is 0"),
        (
            TEXT[:60],
            {},
            r"the training part of .* has 54 tokens, and a window of 128 needs 129; give a smaller --length",
        ),
        (TEXT[:200], {"length": 30}, r"the test part of .* has 20 tokens, and a window of 30 needs 31"),
        (TEXT, {"length": 0}, "the length of windows can't be 0"),
        (TEXT, {"length": 1}, "the length of windows can't be 1; give a whole number of at least 2"),
        (TEXT, {"test_fraction": 2.0}, "the fraction 2.0 of the samples can't be held out"),
        (TEXT, {"target": "y"}, r"target = \('y',\) is for data with a target, and text has its own"),
        (TEXT, {"task": "regression"}, r"task = 'regression' is for data with a target"),
        (TEXT, {"missing": "mean"}, r"missing = 'mean' is for data with a target"),
    ],
)
def test_texts_that_are_refused(tmp_path, text, settings, why):
    with pytest.raises(gpufa.GpufaError, match=why):
        gpufa.load_data(file(tmp_path, text), **settings)


@pytest.mark.parametrize("name", ["tokens", "length", "encoding"])
def test_settings_of_text_for_other_data(tmp_path, name):
    value = 8 if name == "length" else "char"
    np.savez(tmp_path / "a.npz", x=np.eye(6), y=np.arange(6) % 2)
    for source in (str(tmp_path / "a.npz"), "digits", (np.eye(6), np.arange(6) % 2)):
        with pytest.raises(gpufa.InvalidValue, match=rf"{name} = {value!r} is for text, which .* is not taken for"):
            gpufa.load_data(source, **{name: value})
    assert Wanted().tokens is None
