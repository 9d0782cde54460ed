"""Runs on text: from settings to a net that knows its vocabulary, resumed, evaluated, and going on from a prompt."""

import numpy as np
import pytest
from rulelab import host
from traininglab import parameters, same

import gpufa
from gpufa.data.text.tokens import vocabulary_of

TEXT = "".join(np.random.default_rng(0).choice(["the cat sat. ", "a dog ran. ", "birds sing\n"], 400).tolist())
KNOWN = vocabulary_of(TEXT, "char")


@pytest.fixture
def source(tmp_path):
    (tmp_path / "a.txt").write_text(TEXT)
    return f"text:{tmp_path / 'a.txt'}"


def config(source, **kw):
    base = {
        "data": source,
        "length": 16,
        "layers": ("embed 12", "residual(layer norm, attention 2 causal)"),
        "rule": "bp",
    }
    base |= {"dtype": "float64", "backend": "numpy", "epochs": 2, "batch_size": 32, "seeds": (0,), "lr": 0.01}
    return gpufa.Config(**(base | kw))


class Stop(gpufa.Callback):
    def on_step(self, trainer):
        trainer.stop_requested |= trainer.progress.step == 7


def test_a_net_of_text(tmp_path, source):
    run = gpufa.train(config(source, out=str(tmp_path / "run"), validation=0.1, epochs=6))
    assert run.network.sizes.words[0] == f"tokens 16 of {len(KNOWN.names)}"
    epochs = run.history.epochs
    assert epochs["validation_loss"][-1, 0] < 1.5 < epochs["validation_loss"][0, 0] + 1
    np.testing.assert_allclose(epochs["test_perplexity"], np.exp(epochs["test_loss"]))
    again = gpufa.load(tmp_path / "run")
    assert again.about == run.network.about
    assert again.about.vocabulary == KNOWN.names
    assert len(gpufa.generate(again, "the c", 20)) == 20


def test_validation_is_the_last_stretch_of_the_training_part(source):
    from gpufa.checkpoints.provenance import data_of
    from gpufa.training.sets.prepared import divided

    one = config(source, validation=0.25)
    data, _ = data_of(one, None)
    kept, held = divided(data, one)
    n = len(data.x_train)
    assert (kept, held) == (slice(n - round(0.25 * n)), slice(n - round(0.25 * n), None))
    with pytest.raises(gpufa.InvalidValue, match=r"a fraction of 0.001 of these \d+ windows of text is 0"):
        divided(data, config(source, validation=0.001))


@pytest.mark.parametrize("rule", ["bp", "dfa"])
def test_a_run_of_text_goes_on_bit_for_bit(tmp_path, source, rule):
    whole = gpufa.train(config(source, rule=rule))
    gpufa.train(config(source, rule=rule, out=str(tmp_path / "run")), callbacks=[Stop()])
    same(parameters(whole), parameters(gpufa.resume(tmp_path / "run")))
    moved = tmp_path / "moved.txt"
    (tmp_path / "a.txt").rename(moved)
    gpufa.resume(tmp_path / "run", epochs=3, data=moved)
    with pytest.raises(gpufa.FileProblem, match=r"was trained on text:.*a.txt, which is not there; say with --data"):
        gpufa.resume(tmp_path / "run", epochs=4)
    moved.write_text(TEXT + "!")
    with pytest.raises(gpufa.InvalidValue, match="have changed since"):
        gpufa.resume(tmp_path / "run", epochs=4, data=f"text:{moved}")


def test_equal_seeds_draw_equal_text(source):
    net = gpufa.train(config(source, epochs=8)).network
    one, other = (gpufa.generate(net, "the cat", 40, seed=seed) for seed in (1, 2))
    assert one == gpufa.generate(net, "the cat", 40, seed=1)
    assert one != other
    assert gpufa.generate(net, "the cat", 60, seed=1).startswith(one)
    most = gpufa.generate(net, "the cat", 10, temperature=0)
    assert most == gpufa.generate(net, "the cat", 10, top_k=1, seed=5)
    assert gpufa.generate(net, "the cat", 0) == ""
    x = np.zeros((1, 16))
    x[0, :7] = KNOWN.encode("the cat")
    assert most[0] == KNOWN.names[net.predict(x)[0, :, 6].argmax()]


def test_draws_go_by_the_probabilities(source):
    net = gpufa.train(config(source, epochs=1)).network
    x = np.zeros((1, 16))
    x[0, :3] = KNOWN.encode("the")
    shares = net.predict(x)[0, :, 2]
    drawn = [gpufa.generate(net, "the", 1, seed=seed) for seed in range(600)]
    counts = np.array([drawn.count(name) for name in KNOWN.names])
    assert abs(counts / 600 - shares).max() < 0.08
    hot, cold = (len({gpufa.generate(net, "the", 1, temperature=t, seed=s) for s in range(60)}) for t in (5.0, 0.1))
    assert hot > cold
    best = {KNOWN.names[i] for i in np.argsort(-shares)[:2]}
    assert {gpufa.generate(net, "the", 1, top_k=2, temperature=3.0, seed=s) for s in range(60)} <= best


def test_a_net_of_several_seeds_goes_by_their_mean(source):
    net = gpufa.train(config(source, seeds=(0, 1))).network
    x = np.zeros((1, 16))
    x[0, :2] = KNOWN.encode("a ")
    best = net.predict(x)[:, 0, :, 1].mean(axis=0).argmax()
    assert gpufa.generate(net, "a ", 1, temperature=0) == KNOWN.names[best]


def test_a_prompt_longer_than_a_window(source):
    net = gpufa.train(config(source)).network
    long = TEXT[:50]
    x = KNOWN.encode(long[-16:])[None].astype(float)
    assert gpufa.generate(net, long, 1, temperature=0) == KNOWN.names[net.predict(x)[0, :, -1].argmax()]


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (("",), "the prompt is empty"),
        ((3,), r"prompt can't be 3; give a text"),
        (("the Zoo",), "has the character 'Z' as its token 4"),
        (("the", -1), r"the number of tokens can't be -1"),
        (("the", 1, -0.5), r"temperature can't be -0.5"),
        (("the", 1, 1.0, 0), r"top_k can't be 0"),
        (("the", 1, 1.0, None, -3), r"seed -3 can't be used"),
        (("the", 1, 1.0, None, 0, "a.py:b"), "its vocabulary stands in the checkpoint; leave the tokenizer out"),
    ],
)
def test_what_can_t_be_gone_on_with(source, given, why):
    net = gpufa.train(config(source, epochs=0)).network
    with pytest.raises(gpufa.InvalidValue, match=why):
        gpufa.generate(net, *given)


def test_nets_that_know_no_text():
    with pytest.raises(gpufa.InvalidValue, match="the net was not trained on text"):
        gpufa.generate(gpufa.Network([4, 3]), "the")
    with pytest.raises(gpufa.InvalidValue, match=r"the net can't be 3; give a gpufa\.Network"):
        gpufa.generate(3, "the")


@pytest.mark.parametrize(("layers", "init"), [
    (("embed 12", "residual(layer norm, attention 2)"), None),
    (("embed 12", "residual(attention 2, layer norm zero)"), None),
    (("embed 12", "residual(layer norm, attention 2)"), "zeros"),
])  # fmt: skip
def test_a_net_that_sees_what_it_is_to_tell_is_refused(source, layers, init):
    """Also where it does so no sooner than something has moved from zero."""
    with pytest.raises(
        gpufa.InvalidValue, match=r"the net sees tokens behind the one whose next .* 'attention 4 causal'"
    ):
        gpufa.train(config(source, layers=layers, init=init))


def test_looking_for_that_leaves_a_net_as_it_was(source, backend):
    layers = ("embed 12", "residual(attention 2 causal, layer norm zero)")
    run = gpufa.train(config(source, layers=layers, epochs=0, backend=backend, rule="bp")).network
    assert not any(host(run, run.parameters[name]).any() for name in ("g2.2", "b2.2", "b2.1", "c2.1"))
    start = gpufa.Network(run.sizes.words, rule="bp", seeds=run.seeds, init="uniform", backend=backend, dtype="float64")
    for name, p in start.parameters.items():
        np.testing.assert_array_equal(host(run, run.parameters[name]), host(start, p), err_msg=name)


def test_a_tokenizer_of_one_s_own(tmp_path, source):
    own = tmp_path / "own.py"
    own.write_text(
        "class Codes:\n"
        "    def encode(self, text):\n        return [ord(c) % 11 for c in text]\n"
        "    def decode(self, numbers):\n        return ' '.join(map(str, numbers))\n"
        "codes = Codes()\n"
    )
    out, name = tmp_path / "run", f"{own}:codes"
    gpufa.train(config(source, tokens=name, out=str(out)))
    with pytest.raises(gpufa.InvalidValue, match=r"was trained on text by .*, and no code runs .* --tokenizer"):
        gpufa.resume(out, epochs=3)
    run = gpufa.resume(out, epochs=3, tokenizer=name)
    assert run.network.about.vocabulary == 11
    said = gpufa.generate(gpufa.load(out), "the", 3, tokenizer=name)
    assert len(said.split()) == 3
    with pytest.raises(gpufa.InvalidValue, match=r"and no code runs because a checkpoint names it; hand it in"):
        gpufa.generate(gpufa.load(out), "the", 3)


def test_what_is_no_probability_is_not_drawn_from(source):
    net = gpufa.train(config(source, epochs=1)).network
    next(iter(net.parameters.values()))[...] = np.nan
    with pytest.raises(gpufa.InvalidValue, match="the net has nan in place of a probability: it has diverged"):
        gpufa.generate(net, "the cat", 3)


class Letters:
    def __init__(self, decode):
        self.decode = decode

    def encode(self, text):
        return [ord(c) % 7 for c in text]


@pytest.mark.parametrize(
    ("decode", "why"),
    [(lambda numbers: 1 / 0, r"fails to decode \[.*ZeroDivisionError"), (list, "decode gives a list; let it give a")],
)
def test_a_tokenizer_that_decodes_nothing(source, decode, why):
    own = Letters(decode)
    net = gpufa.train(config("digits", epochs=1, length=None), gpufa.load_data(source, tokens=own, length=8)).network
    with pytest.raises(gpufa.InvalidValue, match=why):
        gpufa.generate(net, "the cat", 3, tokenizer=own)
