"""Where attention looks, on a window of text: the shares that the net goes by, beside its tokens."""

import numpy as np
import pytest

import gpufa
from gpufa import plots
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


def test_what_is_of_targets_says_why_it_is_not_drawn(subject):
    plots.draw("curves", subject)
    for name in ("confusion", "recall", "activity"):
        with pytest.raises(
            gpufa.InvalidValue, match="pictures of targets are of one each, and the net has one at each of 10"
        ):
            plots.draw(name, subject)


def test_tokens_are_no_images(subject):
    with pytest.raises(gpufa.InvalidValue, match="maps stand beside inputs that have places, and these are tokens"):
        plots.draw("maps", subject)


def test_nets_without_attention():
    net = gpufa.Network([4, 3, 2])
    with pytest.raises(gpufa.InvalidValue, match="no layer is attention; train a net with one"):
        plots.draw("attention", plots.Subject("mine", None, network=net, x=np.ones((3, 4))))
