"""Where attention looks, on a window of text: the shares that the net goes by, beside its tokens."""

import numpy as np
import pytest

import gpufa
from gpufa import plots
from gpufa.measure.heads import by_head
from gpufa.net.given import network_samples
from gpufa.plots.attention import weights

TEXT = "ab cd\nef gh. " * 60


@pytest.fixture
def subject(tmp_path):
    (tmp_path / "a.txt").write_text(TEXT)
    block = "residual(layer norm, attention 2 causal), residual(layer norm, attention 4 causal)"
    config = gpufa.Config(
        **{
            "data": f"text:{tmp_path / 'a.txt'}",
            "length": 10,
            "layers": ("embed 8", block),
            "epochs": 1,
            "seeds": (0, 1),
        },
        **{"backend": "numpy", "rule": "bp", "out": str(tmp_path / "run")},
    )
    gpufa.train(config)
    return plots.read(tmp_path / "run")


def test_shares_of_a_causal_net_are_of_what_came_before(subject):
    found = dict(weights(subject.trained, subject.samples[0]))
    assert {name: heads.shape for name, heads in found.items()} == {
        "block 2 (1)": (2, 10, 10),
        "block 2 (2)": (4, 10, 10),
    }
    for heads in found.values():
        np.testing.assert_allclose(heads.sum(axis=-1), 1, rtol=1e-5)
        assert (np.triu(heads, 1) == 0).all()


def test_the_picture_has_a_row_a_layer_and_names_its_tokens(subject):
    figure = plots.draw("attention", subject)
    titles = [one.get_title() for one in figure.axes if one.get_title()]
    assert titles == [f"block 2 (1), head {i}" for i in (1, 2)] + [f"block 2 (2), head {i}" for i in (1, 2, 3, 4)]
    named = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert len(named) == 10
    assert {"\u2423", "a", "\u23ce"} <= {*named}


def angle(a, b):
    return np.degrees(np.arccos(a @ b / np.linalg.norm(a) / np.linalg.norm(b)))


def test_the_angle_of_a_head_is_that_of_its_rows_and_columns(tmp_path):
    """Rows of queries, keys and values, and columns of what reads them, beside backprop's from the same weights."""
    words = ["tokens 6 of 7", "embed 8", "residual(attention 4 causal), dense 8", "residual(attention 2)", "dense 7"]
    made = [
        gpufa.Network(words, rule=rule, init="uniform", dtype="float64", backend="numpy", seeds=[0, 1])
        for rule in ("dfa", "bp")
    ]
    for name, p in made[1].parameters.items():
        p[...] = made[0].parameters[name]
    draw = np.random.default_rng(0)
    x, y = draw.integers(0, 7, (40, 6)), draw.integers(0, 7, (40, 6))
    found = by_head(made[0], *network_samples(made[0], x, y))
    assert {title: angles.shape for title, angles in found.items()} == {"block 2": (2, 4), "block 3": (2, 2)}
    ours, true = (net.gradients(x, y) for net in made)
    for title, end, heads in (("block 2", "2.1", 4), ("block 3", "3", 2)):
        own = 8 // heads
        for r in (0, 1):
            for i in range(heads):
                rows = np.concatenate([np.arange(part * 8 + i * own, part * 8 + (i + 1) * own) for part in range(3)])
                a, b = (
                    np.concatenate([g[f"W{end}"][r][rows].ravel(), g[f"U{end}"][r][:, i * own : (i + 1) * own].ravel()])
                    for g in (ours, true)
                )
                np.testing.assert_allclose(found[title][r, i], angle(a, b), rtol=1e-9)
    bp = by_head(made[1], *network_samples(made[1], x, y))
    assert all((angles < 1e-5).all() for angles in bp.values())


def test_heads_are_drawn_a_row_a_layer(subject):
    figure = plots.draw("heads", subject)
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["block 2 (1)", "block 2 (2)"]
    assert [text.get_text() for text in figure.axes[0].texts] == ["0"] * 6
    frozen = gpufa.Network(["tokens 6 of 7", "embed 8, attention 2", "dense 7"], rule="shallow", backend="numpy")
    x = np.zeros((2, 6), int)
    with pytest.raises(gpufa.InvalidValue, match="no angle is defined: the rule hands attention no gradient"):
        plots.draw("heads", plots.Subject("mine", None, network=frozen, x=x, placed_y=x))


def test_tokens_have_pictures_of_their_signals(subject):
    (axes, _) = plots.draw("places", subject).axes[-2:]
    assert axes.images[0].get_array().shape == (1, 10)
    plots.draw("activity", subject)


def test_what_is_of_targets_says_why_it_is_not_drawn(subject):
    plots.draw("curves", subject)
    for name in ("confusion", "recall", "hidden"):
        with pytest.raises(
            gpufa.InvalidValue, match="pictures of targets are of one each, and the net has one at each of 10"
        ):
            plots.draw(name, subject)


def test_tokens_are_no_images(subject):
    with pytest.raises(gpufa.InvalidValue, match="maps stand beside inputs that have places, and these are tokens"):
        plots.draw("maps", subject)


def test_nets_without_attention():
    net = gpufa.Network([4, 3, 2])
    for name in "attention", "heads":
        with pytest.raises(gpufa.InvalidValue, match="no layer is attention; train a net with one"):
            plots.draw(name, plots.Subject("mine", None, network=net, x=np.ones((3, 4)), y=np.zeros(3, int)))
