"""Rows of B that units share: a channel's at every place, or a kernel's as its transposed convolution lays them out."""

import numpy as np
import pytest
from convlab import conv_down, layer_of
from rulelab import close, host, network, put

import gpufa
from gpufa.checkpoints import hdf5
from gpufa.rules import make_rule

WORDS = [
    "input 2x8x6",
    "conv 4 3x3 tanh, pool 2",
    "conv 3 3x2 stride 2x1 pad 1 gelu",
    "residual(conv 3 2x2 nobias, tanh)",
    "dense 5 tanh",
    "dense 3",
]
SHAPES = {1: (4, 4, 3), 2: (3, 2, 4), 3: (3, 2, 4)}  # of the blocks with places
READERS = {1: ("conv 3 3x2 stride 2x1 pad 1", (3, 2)), 2: ("conv 3 2x2 nobias", (2, 2))}
draw = np.random.default_rng(3)
X, Y = draw.normal(size=(5, 96)), np.arange(5) % 3


def net_of(rule="dfa", backend="numpy", words=WORDS, **options):
    return network(words, make_rule(rule, options), backend=backend)


def whole(B, k, places):
    """A row for each unit of block k, from rows that are shared, by loops over one error at a time."""
    if k not in SHAPES or (places == "repeated" and k not in READERS):
        return B
    channels, height, width = SHAPES[k]
    if places == "shared":
        return B.repeat(height * width, axis=0)
    word, kernel = READERS[k]
    layer = layer_of(word)
    out = []
    for column in B.T:
        W = column.reshape(1, channels, *kernel)  # one filter, as the error of one output sees all channels
        grid = layer.out(SHAPES[k])[1:]
        out.append(conv_down(layer, W, np.zeros(SHAPES[k]), np.ones((1, *grid)))[1].ravel())
    return np.array(out).T


def both(rule, places, backend, **options):
    """A net whose units share rows, and one with the same rows written out for each unit."""
    net = net_of(rule, backend, places=places, **options)
    each = net_of(rule, backend, **options)
    own = net.feedback or net.parameters
    for k in net.sizes.hidden:
        put(each, (each.feedback or each.parameters)[f"B{k}"], whole(host(net, own[f"B{k}"]), k, places))
    for name in {"V", "C"} & net.feedback.keys():
        put(each, each.feedback[name], host(net, net.feedback[name]))
    return net, each


@pytest.mark.parametrize("places", ["shared", "repeated"])
@pytest.mark.parametrize(
    ("rule", "options"),
    [
        ("dfa", {}),
        ("sdfa", {}),
        ("drtp", {"centre": False}),
        ("dfa", {"rank": 2, "law": "normal"}),
        ("dfa", {"density": 0.5, "law": "ternary"}),
        ("dfa", {"shared": True, "scale": 3.0}),
        ("dfa", {"nonlinearity": "mlp", "width": 7}),
        ("dkp", {}),
    ],
    ids=str,
)
def test_shared_rows_are_those_rows_for_every_unit(rule, options, places, backend):
    """The transposed convolution is the loops', whatever the kernel, its stride and the zeros about."""
    net, each = both(rule, places, backend, **options)
    names = [name for name in net.parameters if name[0] in "Wb"]
    close(net.gradients(X, Y), each.gradients(X, Y), 1e-12, names=names)
    close(net.signals(X, Y), each.signals(X, Y), 1e-12)


@pytest.mark.parametrize("places", ["shared", "repeated"])
def test_learnt_rows_get_the_sum_of_what_their_units_would_get(places, backend):
    """dB of dkp is the transpose of how rows are laid out: (S^T h) e^T, where S B is what arrives."""
    net, each = both("dkp", places, backend)
    found, of_units = net.gradients(X, Y), each.gradients(X, Y)
    for k in net.sizes.hidden:
        rows = found[f"B{k}"].shape[0]
        S = np.array([whole(row[:, None], k, places)[:, 0] for row in np.eye(rows)]).T
        np.testing.assert_allclose(found[f"B{k}"], S.T @ of_units[f"B{k}"], rtol=1e-12, atol=1e-14)


def test_repeated_feedback_is_constant_inside_the_border_and_the_error_times_the_kernels_sum(backend):
    """CONV-6."""
    net = net_of(backend=backend, words=["input 1x7x6", "conv 4 3x3", "conv 2 3x3", "dense 3"], places="repeated")
    delta = net.signals(X[:, :42], Y)
    e = delta["delta3"]
    kernel = host(net, net.feedback["B1"]).reshape(4, 3, 3, 3)
    maps = delta["delta1"].reshape(5, 4, 7, 6)
    inside = np.einsum("mo,cpqo->mc", e, kernel)
    np.testing.assert_allclose(
        maps[:, :, 1:-1, 1:-1], np.broadcast_to(inside[..., None, None], (5, 4, 5, 4)), rtol=1e-12
    )
    corner = np.einsum("mo,cpqo->mc", e, kernel[:, :2, :2])  # the taps that see it from within the maps
    np.testing.assert_allclose(maps[:, :, 0, 0], corner, rtol=1e-12)
    assert np.abs(maps[:, :, 0, 0] - inside).min() > 1e-6


@pytest.mark.parametrize(("places", "rows"), [("shared", 4), ("repeated", 12)])
def test_the_one_axis_of_time_has_places_too(places, rows, backend):
    net = net_of(backend=backend, words=["input 3x9", "conv1d 4 5 tanh", "conv1d 2 3", "dense 3"], places=places)
    delta = net.signals(X[:, :27], Y)
    B = host(net, net.feedback["B1"])
    assert B.shape == (rows, 3)
    taps = np.einsum("mo,cpo->mcp", delta["delta3"], B.reshape(4, -1, 3))
    maps = delta["delta1"].reshape(5, 4, 9)
    np.testing.assert_allclose(maps[:, :, 1:-1], np.repeat(taps.sum(2)[..., None], 7, 2), rtol=1e-12)
    np.testing.assert_allclose(maps[:, :, 0], taps[:, :, :2].sum(2), rtol=1e-12)


@pytest.mark.parametrize("rule", ["dfa", "sdfa", "drtp", "dkp"])
def test_in_dense_nets_all_is_the_same_to_the_bit(rule, backend):
    nets = [
        network([9, 6, 5, 3], make_rule(rule, {"places": one}), backend=backend)
        for one in ("each", "shared", "repeated")
    ]
    found = [net.gradients(X[:, :9], Y) for net in nets]
    for other in found[1:]:
        close(other, found[0], 0)


def test_rows_and_their_size():
    """Of the law's scale over the root of the rows that a place has."""
    words = ["input 2x32x32", "conv 64 3x3, pool 2", "conv 32 5x3", "dense 10"]
    for places, rows, scale in (("each", 64 * 256, 64 * 256), ("shared", 64, 64), ("repeated", 64 * 15, 64 * 15)):
        net = gpufa.Network(words, rule=make_rule("dfa", {"places": places}), backend="numpy")
        B = net.feedback["B1"]
        assert B.shape == (rows, 10)
        assert np.abs(B).max() <= scale**-0.5
        np.testing.assert_allclose(B.std(), (3 * scale) ** -0.5, rtol=0.05)
    tiny = gpufa.Network(words, rule=make_rule("dfa", {"places": "shared", "shared": True}), backend="numpy").feedback
    np.testing.assert_array_equal(tiny["B1"][:32], tiny["B2"])  # `shared` is across layers, `places` across places
    assert tiny["B2"].shape == (32, 10)


def test_what_is_refused():
    with pytest.raises(gpufa.InvalidValue, match="unknown share of rows by places 'channel'; set"):
        make_rule("dfa", {"places": "channel"})
    with pytest.raises(gpufa.InvalidValue, match="unknown share of rows by places 1"):
        make_rule("dkp", {"places": 1})
    words = ["input 2x8x6", "conv 4 3x3 tanh", "pool 2, conv 3 3x3", "dense 3"]
    for rule in ("dfa", "dkp"):
        with pytest.raises(gpufa.InvalidValue, match="has 'pool 2' in front of it; let block 1 end with that, or set"):
            net_of(rule, words=words, places="repeated")
        net_of(rule, words=words, places="shared")
        unread = ["input 2x8x6", "conv 4 3x3", "batch norm tanh", "dense 3"]
        with pytest.raises(gpufa.InvalidValue, match="block 2, 'batch norm, tanh', has none; let block 1 end with"):
            net_of(rule, words=unread, places="repeated")


LAYERS = ("input 1x8x8", "conv 4 3x3 relu, pool 2", "conv 3 3x3 tanh", "dense 5 tanh")
COMMON = {"layers": LAYERS, "epochs": 2, "seeds": (0, 1), "samples": 200, "backend": "numpy"}


@pytest.mark.filterwarnings("ignore::gpufa.GpufaWarning")
@pytest.mark.parametrize("rule", ["dfa", "dkp"])
def test_files_have_it_where_it_is_used_and_runs_go_on_with_it(rule, tmp_path):
    for places, options in (("auto", {}), ("each", {"places": "each"}), ("shared", {"places": "shared"})):
        out = tmp_path / f"{places} {len(options)}"
        whole_run = gpufa.train(gpufa.Config(rule=rule, rule_options=options, out=str(out), **COMMON))
        _, about = hdf5.read(out / "checkpoint.h5")
        for said in (about["network"]["rule"], about["config"]["rule"]):
            assert said.get("places", "auto") == places
            assert ("places" in said) == bool(options)
        net = gpufa.load(out, backend="numpy")
        assert net.rule.places == places
        B = {**net.feedback, **net.parameters}["B1"]
        assert B.shape == (2, 4 if places == "shared" else 64, 10)
    part = str(tmp_path / "part")
    gpufa.train(gpufa.Config(rule=rule, rule_options=options, out=part, **COMMON | {"epochs": 1}))
    again = gpufa.resume(part, epochs=2)
    for name, p in whole_run.network.parameters.items():
        np.testing.assert_array_equal(again.network.parameters[name], p, err_msg=name)
    with pytest.raises(gpufa.InvalidValue, match=r"has rule = .*'places': 'shared'.* but this run .*'places': 'auto'"):
        gpufa.train(gpufa.Config(rule=rule, start=part, **COMMON))
    with pytest.raises(gpufa.InvalidValue, match=r"has rule = .*'places': 'auto'.* but this run .*'places': 'shared'"):
        gpufa.train(gpufa.Config(rule=rule, rule_options=options, start=str(tmp_path / "auto 0"), **COMMON))
