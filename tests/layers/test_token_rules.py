"""Rules on nets of tokens: each is its equation, and those that can't go there say so in a sentence."""

from dataclasses import dataclass

import numpy as np
import pytest
from rulelab import close, host, put, values
from tokenlab import EACH, NETS, PADDED, POOLED, TIED, data, made, signals

import gpufa
from gpufa.rules import RULES, make_rule
from gpufa.rules.alignment.fa import FA
from gpufa.rules.direct.dfa import DFA


@dataclass(frozen=True)
class Spread(gpufa.Rule):
    """One of a user's own, which knows nothing of tokens: every unit hears the first output's error."""

    needs = frozenset({"pull"})

    way: str = "block by block"

    def deltas(self, net, e):
        net.send(net.L, e)
        if self.way == "at once":
            net.send(net.hidden, net.xp.repeat(e[:, :1], sum(net.sizes[k] for k in net.hidden), 1))
            return
        for k in net.hidden:
            ones = net.xp.ones((len(e), net.sizes[k], 1), e.dtype)
            net.send(k, net.through(ones, net.xp.ascontiguousarray(e[:, :1])))


TAKING = [
    "bp",
    "shallow",
    "fa",
    "dfa",
    "sdfa",
    "drtp",
    "kp",
    "dkp",
    "usf",
    "brsf",
    "frsf",
    "topology",
    "rflo",
    "eprop",
    "dni_windows",
    "decolle",
]
POOLING = [*TAKING, "layerwise", "evolution"]
nets = pytest.mark.parametrize("words", NETS.values(), ids=list(NETS))
through = pytest.mark.parametrize("rule", ["fa", "kp"])


def stand_ins(net):
    """By matrix, the live array that stands in for it."""
    arrays = {**net.feedback, **net.parameters}
    return {name: arrays[B] for k in net.sizes.every for name, (B, _) in net.sizes.carriers[k].items()}


def turned(W):
    return W.T if W.ndim == 2 else W


@nets
@through
def test_with_its_own_weights_in_place_of_feedback_it_is_backprop(words, rule, backend):
    """B stands in for each matrix of all layers, attention's two among them, but for the embedding's."""
    net, bp = made(words, rule, backend=backend), made(words, backend=backend)
    own = values(bp)
    for name, B in stand_ins(net).items():
        put(net, B, turned(own[name]))
    x, y = data(bp)
    found = net.gradients(x, y)
    close({name: found[name] for name in own}, bp.gradients(x, y), 1e-11)


@pytest.mark.parametrize("name", ["B1", "BU1"])
def test_what_goes_below_attention_goes_through_both_of_its_stand_ins(name, backend):
    """In proportion to each, and in none to the weights' own transposes."""
    net = made(["tokens 4 of 9", "embed 6", "attention 2", "mean, dense 5 tanh", "dense 3"], "fa", backend=backend)
    x, y = data(net)
    before = signals(net, x, y)["delta1"]
    put(net, net.feedback[name], 3 * host(net, net.feedback[name]))
    np.testing.assert_allclose(signals(net, x, y)["delta1"], 3 * before, rtol=1e-11)


def test_attention_has_feedback_for_both_of_its_matrices():
    net = gpufa.Network(POOLED, rule="fa", backend="numpy")
    assert {name: B.shape for name, B in net.feedback.items()} == {
        "B1.2": (8, 24), "BU1.2": (8, 8), "B1.4": (8, 12), "B1.5": (12, 8), "B2": (8, 5), "B3": (5, 3),
    }  # fmt: skip


@nets
def test_signs_of_weights_of_one_size_carry_backprops_direction(words, backend):
    net, bp = made(words, "usf", backend=backend), made(words, backend=backend)
    for one in (net, bp):
        for name in (n for k in one.sizes.every for n in one.sizes.matrices(k)):
            W = host(one, one.parameters[name])
            put(one, one.parameters[name], np.sign(W) * np.sqrt(2 / sum(W.shape)))
    x, y = data(bp)
    close(net.gradients(x, y), bp.gradients(x, y), 1e-11)


@nets
def test_what_kp_learns_is_what_its_weights_do(words, backend):
    """The gradient of each B is that of its matrix, turned over: of a tied embedding's both parts."""
    net = made(words, "kp", backend=backend)
    x, y = data(net)
    found = net.gradients(x, y)
    for name, (B, _) in ((n, pair) for k in net.sizes.every for n, pair in net.sizes.carriers[k].items()):
        np.testing.assert_allclose(found[B], turned(found[name]), rtol=1e-11, atol=1e-13, err_msg=name)
    assert words != TIED or "B3" in found


@pytest.mark.parametrize("words", [EACH, TIED, POOLED], ids=["each", "tied", "pooled"])
def test_fa_at_the_borders_of_blocks_goes_past_their_layers(words, backend):
    """s_k = B_k s_{k+1}, at every token by the same B_k where both have tokens; inside, own weights."""
    net = made(words, FA(through="borders"), backend=backend)
    x, y = data(net)
    delta, L, m = signals(net, x, y), net.sizes.L, len(x)
    for k in net.sizes.hidden:
        B, above = host(net, net.feedback[f"B{k}"]), delta[f"delta{k + 1}"]
        places = net.sizes.shapes[k][1:] if net.sizes.shapes[k][1:] == net.sizes.shapes[k + 1][1:] else ()
        assert B.shape == (
            (net.sizes.shapes[k][0], net.sizes.shapes[k + 1][0]) if places else (net.sizes[k], net.sizes[k + 1])
        )
        came = np.einsum("ij,mjt->mit", B, above.reshape(m, B.shape[1], -1)).reshape(m, -1)
        if k == L - 1 and net.sizes.one_dense(k):
            came = came * (1 - signals(net, x, y)[f"h{k}"] ** 2)
        np.testing.assert_allclose(delta[f"delta{k}"], came, rtol=1e-10, atol=1e-13)
    bp = made(words, backend=backend)
    p = [one.judged(one.backend.to_device(x.astype(float)), one.backend.to_device(y)) for one in (net, bp)]
    net.rule.deltas(p[0], p[0].e)
    p[1].send(L, p[1].e)
    for k in reversed(bp.sizes.hidden):
        p[1].pull(k + 1)
        p[1].send(k, p[0].delta[k])
    inner, own = (host(net, one.blocks[2].at.inside[0].delta) for one in p)
    np.testing.assert_allclose(inner, own, rtol=1e-11, atol=1e-13)


def test_of_dense_blocks_both_ways_of_fa_are_one(backend):
    a, b = (
        gpufa.Network([4, 5, 6, 3], rule=rule, init="uniform", backend=backend)
        for rule in ("fa", FA(through="borders"))
    )
    close(*({name: host(net, B) for name, B in net.feedback.items()} for net in (a, b)), 0)
    x, y = np.random.default_rng(0).normal(size=(5, 4)), np.arange(5) % 3
    close(a.gradients(x, y), b.gradients(x, y), 1e-6)


@pytest.mark.parametrize("words", [EACH, TIED], ids=["each", "tied"])
def test_direct_feedback_goes_to_every_token_by_its_own_error(words, backend):
    net = made(words, "dfa", backend=backend)
    x, y = data(net)
    delta, V = signals(net, x, y), net.sizes.at_place
    e = delta[f"delta{net.sizes.L}"].reshape(5, V, -1)
    for k in net.sizes.hidden:
        B = host(net, net.feedback[f"B{k}"])
        assert B.shape == (net.sizes.shapes[k][0], V)
        np.testing.assert_allclose(delta[f"delta{k}"], np.einsum("ij,mjt->mit", B, e).reshape(5, -1), rtol=1e-11)


@pytest.mark.parametrize("words", [EACH, POOLED], ids=["each", "pooled"])
def test_the_error_of_the_encoder_is_what_comes_down_through_the_outputs(words, backend):
    """Launay et al. 2020: B_k W_L^T e, B_k being features x features."""
    net = made(words, DFA(error="encoder"), backend=backend)
    x, y = data(net)
    delta, L = signals(net, x, y), net.sizes.L
    W = host(net, net.parameters[f"W{L}"])
    below = np.einsum("oi,mot->mit", W, delta[f"delta{L}"].reshape(5, W.shape[0], -1)).reshape(5, -1)
    for k in net.sizes.hidden[:-1]:
        B = host(net, net.feedback[f"B{k}"])
        assert B.shape[1] == W.shape[1]
        found = np.einsum("ij,mjt->mit", B, below.reshape(5, W.shape[1], -1)).reshape(5, -1)
        np.testing.assert_allclose(delta[f"delta{k}"], found, rtol=1e-11)


@pytest.mark.parametrize("error", ["outputs", "encoder"])
def test_the_last_hidden_block_may_have_its_own_error(error, backend):
    net, other = (made(EACH, DFA(error=error, last=last), backend=backend) for last in ("weights", "feedback"))
    x, y = data(net)
    found, without = signals(net, x, y), signals(other, x, y)
    W, e = host(net, net.parameters["W4"]), found["delta4"].reshape(5, 6, 5)
    np.testing.assert_allclose(found["delta3"], np.einsum("oi,mot->mit", W, e).reshape(5, -1), rtol=1e-11)
    assert not np.allclose(found["delta3"], without["delta3"])
    close({k: found[k] for k in ("delta1", "delta2")}, {k: without[k] for k in ("delta1", "delta2")}, 0)
    identity = made(EACH, DFA(error="encoder"), backend=backend)
    for k in (1, 2, 3):
        put(identity, identity.feedback[f"B{k}"], np.eye(4))
    np.testing.assert_allclose(signals(identity, x, y)["delta1"], found["delta3"], rtol=1e-11)


def test_errors_of_three_values(backend):
    net = made(POOLED, DFA(ternary=0.3), backend=backend)
    x, y = data(net)
    delta = signals(net, x, y)
    e = delta["delta4"]
    coarse = (e >= 0.3).astype(float) - (e <= -0.3)
    assert {*coarse.ravel()} == {-1, 0, 1}
    np.testing.assert_allclose(delta["delta2"], coarse @ host(net, net.feedback["B2"]).T, rtol=1e-12)
    assert not net.rule.linear
    assert DFA().linear


def test_a_complex_row_serves_two_units_with_half_the_variance_each():
    net, normal = (
        gpufa.Network([300, 400, 50], rule=DFA(law=law), init="uniform", backend="numpy")
        for law in ("complex", "normal")
    )
    np.testing.assert_allclose(net.feedback["B1"], normal.feedback["B1"] / np.sqrt(2), rtol=1e-6)
    assert net.feedback["B1"].var() * 400 == pytest.approx(0.5, rel=0.02)


@pytest.mark.parametrize("words", [POOLED, EACH], ids=["pooled", "each"])
@pytest.mark.parametrize("error", ["outputs", "encoder"])
def test_a_projector_of_ones_own_is_asked_for_all_blocks_at_once(words, error, backend):
    plain = made(words, DFA(error=error), backend=backend, seeds=[0, 1])
    B = np.concatenate([host(plain, plain.feedback[f"B{k}"])[0] for k in plain.sizes.hidden])
    asked = []

    def projector(e, rows):
        asked.append((e.shape, rows))
        return B @ e

    net = made(words, DFA(error=error, projector=projector), backend=backend, seeds=[0, 1])
    assert not net.feedback
    x, y = data(net)
    found, expected = signals(net, x, y), signals(plain, x, y)
    close({name: a[0] for name, a in found.items()}, {name: a[0] for name, a in expected.items()}, 1e-11)
    assert asked[:2] == [((B.shape[1], net.sizes.places * 5), len(B))] * 2
    assert net.rule.options["projector"] == "own"


EMBEDDED = ["tokens 6 of 9", "embed 4", "dense 4 tanh", "mean, dense 3 tanh", "dense 3"]
OWN = "projector can't be 'optics.py:f', as code runs by no name in settings"
SENT = "rule 'weight_mirror' sends noise through each matrix by itself, of layers that have no second one, and block 2"


@pytest.mark.parametrize(("make", "sentence"), [
    (lambda: DFA(error="logits"), "unknown error to send 'logits'; set rule.error to one of outputs, encoder"),
    (lambda: DFA(last="own"), "unknown error of the last hidden block 'own'; set rule.last to one of feedback"),
    (lambda: DFA(ternary=-1), "threshold of ternary errors -1 can't be used"),
    (lambda: DFA(projector="optics.py:f"), OWN),
    (lambda: make_rule("dfa", {"projector": "own"}), "this net has its B e from a projector of your own, which no"),
    (lambda: DFA(projector=print, rank=2), "a projector makes all of B e itself; leave rule.rank"),
    (lambda: FA(through="holes"), "unknown way through blocks 'holes'; set rule.through to one of matrices, borders"),
    (lambda: make_rule("weight_mirror", {"through": "borders"}), "the mirror teaches a B for each matrix"),
    (lambda: gpufa.Network([*POOLED], rule="weight_mirror", backend="numpy"), SENT),
    (lambda: gpufa.Network(EMBEDDED, rule="pepita", backend="numpy"),
     "rule 'pepita' changes the inputs, which numbers of tokens don't bear, and block 1 is 'embed 4'"),
])  # fmt: skip
def test_what_can_not_be_is_refused_in_a_sentence(make, sentence):
    with pytest.raises(gpufa.InvalidValue) as error:
        make()
    assert sentence in str(error.value)
    assert "\n" not in str(error.value)


def test_a_projector_that_gives_another_shape_is_told():
    net = made(POOLED, DFA(projector=lambda e, rows: e))
    x, y = data(net)
    with pytest.raises(gpufa.InvalidValue, match=r"the projector gave float64 of the shape \(3, 5\); let it give real"):
        net.signals(x, y)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("words", [POOLED, PADDED, EACH], ids=["pooled", "padded", "each"])
def test_every_rule_takes_attention_or_says_that_it_does_not(rule, words, backend):
    able = TAKING if words is EACH else POOLING
    if rule not in able:
        with pytest.raises(gpufa.InvalidValue, match=f"rule '{rule}' .*; (leave|use) ") as error:
            gpufa.Network(words, rule=rule, backend=backend)
        assert all(name in str(error.value) for name in ("bp", "fa", "dfa"))
        return
    net = gpufa.Network(words, rule=rule, backend=backend)
    x, y = data(net)
    found = net.gradients(x, y)
    assert all(np.isfinite(g).all() for g in found.values())
    assert any(g.any() for g in found.values())


SHORT = ["tokens 3 of 7 pad 0", "embed 6, positions", *PADDED[2:]]


def cut(array, name, length=5):
    """What of an array of 5 tokens is of the first 3: rows of B at blocks of tokens, positions, and columns of local
    readouts."""
    if name[0] in "GH" and array.shape[-1] % length == 0:
        return array.reshape(len(array), -1, length)[:, :, :3].reshape(len(array), -1)
    tokens = name[0] in "BP" and len(array) % length == 0 and len(array) > length
    return array.reshape(-1, length, *array.shape[1:])[:, :3].reshape(-1, *array.shape[1:]) if tokens else array


@pytest.mark.parametrize("rule", ["bp", "fa", "dfa", "sdfa", "drtp", "dkp", "kp", "topology", "layerwise",
                                  "decolle", DFA(rank=2), DFA(error="encoder"), DFA(places="shared"),
                                  DFA(inside="feedback"), DFA(enters="activations"), FA(through="borders"),
                                  Spread(), Spread("at once")],
                                 ids=str)  # fmt: skip
def test_samples_that_are_filled_up_teach_as_shorter_ones(rule, backend):
    """The net of 5 tokens, of which two fill up, is the net of 3: no error is theirs, nor anything that they are."""
    long, short = (made(words, rule, backend=backend) for words in (PADDED, SHORT))
    for name, p in short.parameters.items():
        put(short, p, cut(host(long, long.parameters[name]), name))
    for name, B in short.feedback.items():
        put(short, B, cut(host(long, long.feedback[name]), name))
    x, y = data(short)
    x[x == 0] = 1
    filled = np.concatenate([x, np.zeros((len(x), 2), x.dtype)], axis=1)
    np.testing.assert_allclose(long.predict(filled), short.predict(x), rtol=1e-11)
    found = {name: cut(g, name) for name, g in long.gradients(filled, y).items()}
    close(found, short.gradients(x, y), 1e-11)
    if "B1" not in found:
        signals_of = [{k: v for k, v in net.signals(*one).items() if k[0] == "d"} for net, one in
                      ((long, (filled, y)), (short, (x, y)))]  # fmt: skip
        for k in (1, 2):
            seen = signals_of[0][f"delta{k}"].reshape(len(x), 6, 5)
            assert not seen[:, :, 3:].any()
            np.testing.assert_allclose(seen[:, :, :3].reshape(len(x), -1), signals_of[1][f"delta{k}"], rtol=1e-10)


@pytest.mark.parametrize(("words", "found"), [
    (PADDED, {(1, 0), (1, 1), *((2, i) for i in range(6)), *((3, i) for i in range(4))}),
    (POOLED, set()),
    (["tokens 5 of 7 pad 0", "embed 6", "gru 6 all", "dense 7"], set()),
    (["tokens 5 of 7 pad 0", "embed 6", "flatten, dense 5 tanh", "dense 3"], set()),
    (["tokens 5 of 7 pad 0", "embed 6", "attention 2, batch norm", "dense 6 tanh", "mean, dense 3 tanh", "dense 3"],
     {(2, 1), (3, 0), (3, 1)}),
    (["tokens 5 of 7 pad 0", "embed 6", "attention 2", "dense 7"], set()),
])  # fmt: skip
def test_where_tokens_that_fill_up_go_no_further(words, found):
    assert gpufa.Network(words, rule="bp", backend="numpy").sizes.unheard == found
