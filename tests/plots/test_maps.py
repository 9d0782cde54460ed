"""Pictures of feature maps and of angles by place are held against the net's own numbers."""

import numpy as np
import pytest
from rulelab import network

import gpufa
from gpufa import plots
from gpufa.commands.main import main
from gpufa.measure.alignment import by_place
from gpufa.measure.history import History
from gpufa.plots.maps import images_of, most_active
from gpufa.plots.weights import mosaic

LAYERS = ("input 1x8x8", "conv 4 3x3 relu, pool 2", "local 3 3x3 tanh", "dense 5 tanh")
ALONG = ("input 4x16", "conv1d 5 3 tanh, pool 2", "dense 5 tanh")
FAST = {"epochs": 1, "seeds": (0, 1), "samples": 200, "backend": "numpy", "hidden": None}


def trained(path, **settings):
    gpufa.train(gpufa.Config(**FAST | settings | {"out": str(path)}))
    return path


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return trained(tmp_path_factory.mktemp("runs") / "mine", layers=LAYERS, rule="dfa")


@pytest.fixture(scope="module")
def series(tmp_path_factory):
    return trained(tmp_path_factory.mktemp("runs") / "along", layers=ALONG, rule="fa")


def drawn(axes):
    return np.ma.filled(axes.images[0].get_array(), np.nan)


def test_maps_are_the_activity_of_the_samples_that_were_chosen(run):
    subject = plots.read(run, shown=(7, 3))
    figure = plots.draw("maps", subject)
    axes = np.array(figure.axes[:6]).reshape(2, 3)
    assert figure.get_suptitle() == "mine: rule dfa"
    x, y = gpufa.load_data("digits").x_test, gpufa.load_data("digits").y_test
    signals = subject.trained.signals(x[[7, 3]], y[[7, 3]])
    assert [one.get_title() for one in axes[:, 0]] == [f"test sample {n}: {y[n]}" for n in (7, 3)]
    assert [one.get_title() for one in axes[0, 1:]] == ["layer 1: 4 maps", "layer 2: 3 maps"]
    for row, n in enumerate((7, 3)):
        image = x[n].reshape(8, 8).astype(float)
        np.testing.assert_allclose(drawn(axes[row, 0]), (image - image.min()) / np.ptp(image), rtol=1e-6)
        for column, (name, shape) in enumerate([("h1", (4, 4, 4)), ("h2", (3, 4, 4))], start=1):
            h = signals[name][0, row].reshape(shape)
            np.testing.assert_allclose(drawn(axes[row, column]), mosaic(h[..., None])[..., 0], rtol=1e-5, atol=1e-6)
            peak = np.abs(signals[name][0]).max()
            np.testing.assert_allclose(axes[row, column].images[0].get_clim(), (-peak, peak), rtol=1e-5)


def test_a_series_is_channels_by_time(series):
    axes = plots.draw("maps", plots.read(series, shown=(0,))).axes
    x, y = gpufa.load_data("digits").x_test[:1], gpufa.load_data("digits").y_test[:1]
    net = gpufa.load(series, backend="numpy")
    np.testing.assert_allclose(drawn(axes[1]), net.signals(x, y)["h1"][0, 0].reshape(5, 8), rtol=1e-5, atol=1e-6)
    assert drawn(axes[0]).shape == (4, 16)
    assert axes[1].get_title() == "layer 1: 5 channels by time"
    features = plots.draw("features", plots.read(series)).axes[0]
    assert features.get_title() == "$W_{1}$: 5 filters"


def test_of_many_maps_those_are_drawn_that_are_most_active():
    h = np.random.default_rng(0).normal(size=(2, 40, 3, 3)) * np.arange(40)[:, None, None]
    assert set(most_active(h)) >= set(range(33, 40))
    assert (np.diff(most_active(h)) > 0).all()
    assert len(most_active(h)) == 16
    assert images_of(np.arange(24.0).reshape(1, 24), (3, 2, 4)).shape == (1, 2, 4, 3)
    np.testing.assert_array_equal(images_of(np.arange(16.0).reshape(1, 16), (2, 2, 4))[0, ..., 0].ravel(),
                                  np.arange(8) + 4)  # fmt: skip


def test_places_hold_the_angle_over_the_channels(run):
    subject = plots.read(run)
    axes = plots.draw("places", subject).axes
    ours, true = subject.signals["delta1"].astype(float), subject.backprop_signals["delta1"].astype(float)
    for i, j in np.ndindex(4, 4):
        cosines = []
        for a, b in zip(ours.reshape(-1, 4, 4, 4)[..., i, j], true.reshape(-1, 4, 4, 4)[..., i, j], strict=True):
            if np.linalg.norm(a) and np.linalg.norm(b):
                cosines.append(a @ b / np.linalg.norm(a) / np.linalg.norm(b))
        np.testing.assert_allclose(drawn(axes[0])[i, j], np.degrees(np.arccos(np.mean(cosines))), rtol=1e-6)
    assert axes[0].images[0].get_clim() == (0, 90)
    assert axes[1].get_title() == f"layer 2: mean {np.nanmean(drawn(axes[1])):.0f}°"


def test_backprops_own_signals_point_where_backprops_do():
    net = network([*LAYERS, "dense 3"], "bp")
    x, y = np.random.default_rng(0).normal(size=(6, 64)), np.arange(6) % 3
    ours, true = net.signals(x, y), net.backprop_signals(x, y)
    assert true.keys() == {f"delta{k}" for k in (1, 2, 3, 4)}
    for name, delta in true.items():
        np.testing.assert_array_equal(delta, ours[name])
    subject = plots.Subject("", History((0,)), "bp", net, x, y)
    axes = plots.draw("places", subject).axes
    assert np.nanmax(drawn(axes[0])) < 1e-5
    assert np.isnan(by_place(np.zeros((3, 2, 4)), np.ones((3, 2, 4)))).all()


def test_the_shell_draws_the_samples_that_are_named(run, capsys):
    assert main(["plot", str(run), "--pictures", "maps", "places", "--shown", "5", "--format", "svg"]) == 0
    assert "test sample 5" in (run / "maps.svg").read_text()
    assert "prefers-color-scheme" in (run / "maps.svg").read_text()
    assert main(["plot", str(run), "--pictures", "maps", "--shown", "5", "999"]) == 2
    assert "there is no test sample 999 to show; the numbers are 0 to 358" in capsys.readouterr().err


def test_what_has_no_maps_or_no_signals_says_so(tmp_path):
    dense = plots.read(trained(tmp_path / "dense", hidden=(5,), rule="dfa"))
    for name in ("maps", "places"):
        with pytest.raises(gpufa.InvalidValue, match="no hidden layer has maps; train one with --layers 'input 1x8x8'"):
            plots.draw(name, dense)
    frozen = plots.read(trained(tmp_path / "frozen", layers=LAYERS, rule="shallow"))
    plots.draw("maps", frozen)
    with pytest.raises(gpufa.InvalidValue, match="no angle is defined: the rule sends the layers that have maps no er"):
        plots.draw("places", frozen)
