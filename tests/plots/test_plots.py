"""Every picture shows what was measured: its artists are held against the data, for rules and runs of every kind."""

import numpy as np
import pytest

import gpufa
from gpufa import plots
from gpufa.data.samples.data import Data
from gpufa.measure.history import History
from gpufa.plots.labels import counts
from gpufa.plots.layers import principal
from gpufa.plots.style import spread
from gpufa.plots.weights import as_images, mosaic

rng = np.random.default_rng(0)
X = rng.normal(size=(60, 6)).astype(np.float32)
TARGETS = (X @ rng.normal(size=(6, 2))).astype(np.float32)
FAST = {"hidden": (7, 5), "epochs": 3, "seeds": (0, 1, 2), "backend": "numpy"}


def trained(path, data="digits", **settings):
    """The subject of a tiny run that was kept in the folder."""
    gpufa.train(gpufa.Config(**FAST | settings | {"out": str(path), "data": str(data)}))
    return plots.read(path)


@pytest.fixture(scope="module")
def subject(tmp_path_factory):
    return trained(tmp_path_factory.mktemp("runs") / "mine")


@pytest.fixture
def regression(tmp_path):
    np.savez(tmp_path / "real.npz", x=X, y=TARGETS)
    return trained(tmp_path / "real", tmp_path / "real.npz", scaling="standard")


def reasons(subject, encode=False):
    """Draw every picture; why, by name, those were not drawn that could not be."""
    found = {}
    for name in plots.PICTURES:
        try:
            figure = plots.draw(name, subject)
            assert not encode or plots.encode(figure, "svg").startswith(b"<?xml")
        except gpufa.InvalidValue as error:
            found[name] = str(error)
    return found


MAPS = {"maps", "places", "attention", "heads", "lags", "spikes", "traces"}  # dense layers have none


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("settings", "missing"),
    [
        ({}, set()),
        ({"rule": "bp", "seeds": (4,)}, set()),
        ({"rule": "eqprop", "epochs": 1}, set()),
        ({"rule": "forward_forward", "epochs": 1}, {"angles"}),
        ({"rule": "elm", "seeds": (0,)}, {"angles"}),
        ({"rule": "shallow", "epochs": 1}, {"angles"}),
        ({"rule": "bp", "hidden": ()}, {"angles", "dead", "activity", "hidden"}),
        ({"epochs": 0}, {"angles", "dead"}),
        ({"epochs": 1, "seeds": (3,), "probe_every": 5}, set()),
        ({"rule": "bp", "hidden": (4,) * 9, "residual": True, "epochs": 1}, set()),
        ({"rule": "layerwise", "hidden": (1,), "epochs": 1}, set()),
    ],
    ids=lambda value: str(value.get("rule", value)) if isinstance(value, dict) else "",
)
def test_every_picture_is_drawn_or_says_why_not(settings, missing, tmp_path):
    found = reasons(trained(tmp_path / "run", **settings), encode=True)
    assert set(found) == missing | MAPS
    for sentence in found.values():
        assert "\n" not in sentence


def test_real_targets_colour_the_activity_and_have_no_confusion_nor_images(regression):
    found = reasons(regression)
    assert set(found) == {"features", "confusion", "recall"} | MAPS
    assert "the 6 inputs are no square image" in found["features"]
    assert "the targets are real-valued" in found["confusion"]
    points = plots.draw("hidden", regression).axes[0].collections[0]
    np.testing.assert_array_equal(points.get_array(), regression.y[:, 0])
    assert "RMSE" in plots.draw("curves", regression).axes[0].get_title()


@pytest.mark.filterwarnings("ignore:overflow", "ignore:invalid")
def test_a_diverged_and_a_stopped_run(tmp_path):
    diverged = trained(tmp_path / "bad", optimizer="sgd", lr=1e38, activation=("relu",), seeds=(0, 1))
    assert reasons(diverged).keys() <= {"angles", "dead", "hidden"} | MAPS

    class Stop(gpufa.Callback):
        def on_epoch(self, trainer):
            trainer.stop_requested = True

    gpufa.train(gpufa.Config(**FAST | {"out": str(tmp_path / "stopped")}), callbacks=[Stop()])
    assert reasons(plots.read(tmp_path / "stopped")).keys() == MAPS


def test_curves_are_means_over_seeds_with_a_band_of_a_deviation(subject):
    left, middle, right = plots.draw("curves", subject).axes
    epochs = subject.history.epochs
    by_label = {line.get_label(): line.get_ydata() for line in left.lines}
    np.testing.assert_allclose(by_label["test"], epochs["test_error"].mean(axis=1))
    np.testing.assert_allclose(middle.lines[0].get_ydata(), epochs["loss"].mean(axis=1))
    np.testing.assert_allclose(right.lines[1].get_ydata(), subject.history.probes["per_sample"][..., 1].mean(axis=1))
    top = middle.collections[0].get_paths()[0].vertices[:, 1].max()
    np.testing.assert_allclose(top, (epochs["loss"].mean(axis=1) + epochs["loss"].std(axis=1, ddof=1)).max())


def test_what_is_not_finite_is_left_out_of_curves_and_map():
    history = History((0, 1))
    for epoch, loss in enumerate([[1.0, 3.0], [2.0, np.inf], [np.nan, np.nan]], start=1):
        history.epochs.append({"epoch": epoch, "step": 10 * epoch, "loss": np.array(loss)})
        history.probes.append({"step": 10 * epoch, "per_sample": np.array([[30.0, np.nan], [50.0, np.nan]]) * epoch})
    subject = plots.Subject("", history)
    line = plots.draw("curves", subject).axes[1].lines[0]
    np.testing.assert_array_equal(line.get_xydata(), [[1, 2], [2, 2]])
    drawn = plots.draw("angles", subject).axes[0].collections[0].get_array()
    np.testing.assert_array_equal(drawn.filled(-1), [[40, 80, 120], [-1, -1, -1]])


def test_the_map_of_angles_is_the_history_on_a_scale_to_90(subject):
    axes, bar = plots.draw("angles", subject).axes
    (drawn,) = axes.collections
    angles = subject.history.probes["per_sample"].mean(axis=1).T
    np.testing.assert_allclose(drawn.get_array(), angles)
    assert drawn.get_clim() == (0, 90)
    np.testing.assert_allclose(drawn.get_coordinates()[0, :, 0], [0.5, 1.5, 2.5, 3.5])
    assert [text.get_text() for text in axes.texts] == [f"{angle:.0f}" for angle in angles.ravel()]
    assert bar.get_ylabel() == "angle, degrees"


def test_histograms_hold_every_value(subject):
    axes = plots.draw("activity", subject).axes
    assert [one.get_title() for one in axes] == [f"layer {k}: ${s}_{{{k}}}$" for s in ("h", r"\delta") for k in (1, 2)]
    signals = subject.network.signals(subject.x, subject.y)
    for one, name in zip(axes, ("h1", "h2", "delta1", "delta2"), strict=True):
        outline = one.patches[0].get_xy()
        share, edges = np.histogram(signals[name][0], bins=60)
        np.testing.assert_allclose(outline[1:121:2, 1], 100 * share / share.sum())
        np.testing.assert_allclose(outline[:120:2, 0], edges[:-1], rtol=1e-4)


def test_a_rule_without_deltas_shows_its_activity_alone(tmp_path):
    subject = trained(tmp_path / "run", rule="hebbian", epochs=1)
    assert [one.get_title() for one in plots.draw("activity", subject).axes] == ["layer 1: $h_{1}$", "layer 2: $h_{2}$"]


def test_principal_components_hold_the_greatest_variance():
    h = rng.normal(size=(50, 5)) * [1, 4, 2, 1, 1] + 7
    scores, shares = principal(h)
    values, vectors = np.linalg.eigh(np.cov(h.T))
    np.testing.assert_allclose(shares, values[:-3:-1] / values.sum())
    np.testing.assert_allclose(abs(scores), abs((h - h.mean(axis=0)) @ vectors[:, :-3:-1]))
    for flat in (np.ones((9, 3)), np.ones((1, 3)), np.ones((9, 1))):
        scores, shares = principal(flat)
        assert not scores.any()
        assert not shares.any()


def test_the_points_of_the_hidden_layers_are_their_scores_by_class(subject):
    axes = plots.draw("hidden", subject).axes
    for one, k in zip(axes, (1, 2), strict=True):
        scores, shares = principal(subject.signals[f"h{k}"])
        assert f"{100 * shares[0]:.0f} %" in one.get_xlabel()
        for c, points in enumerate(one.collections):
            np.testing.assert_allclose(points.get_offsets(), scores[subject.y == c])
    (legend,) = axes[0].figure.legends
    assert [text.get_text() for text in legend.get_texts()] == [str(c) for c in range(10)]
    marks = {tuple(points.get_paths()[0].vertices.ravel()) for points in axes[0].collections}
    colours = {tuple(points.get_facecolor()[0]) for points in axes[0].collections}
    assert len(marks) == len(colours) == 10


def test_activity_that_is_nowhere_finite_has_no_components(tmp_path):
    subject = trained(tmp_path / "run", epochs=1)
    subject.network.parameters["W1"][...] = np.nan
    with pytest.raises(gpufa.InvalidValue, match="finite for no test sample"):
        plots.draw("hidden", subject)
    assert plots.draw("activity", subject).axes[0].get_xlabel() == "no value is finite"
    assert not plots.draw("features", subject).axes[0].images[0].get_array().any()


def test_the_confusion_matrix_counts_every_sample_of_every_seed(subject):
    axes, _ = plots.draw("confusion", subject).axes
    shares = axes.images[0].get_array()
    predicted = subject.network.predict(subject.x).argmax(axis=-1)
    table = counts(predicted, subject.y, 10).sum(axis=0)
    assert table.sum() == predicted.size
    np.testing.assert_array_equal(table.sum(axis=1), 3 * np.bincount(subject.y))
    right = (predicted == subject.y).mean()
    np.testing.assert_allclose(np.trace(table) / table.sum(), right)
    np.testing.assert_allclose(shares, 100 * table / table.sum(axis=1, keepdims=True))
    assert [int(text.get_text()) for text in axes.texts] == table[table > 0].tolist()
    by_seed = counts(np.array([[1, 0], [1, 1]]), np.array([1, 0]), 2)
    np.testing.assert_array_equal(by_seed, [[[1, 0], [0, 1]], [[0, 1], [0, 1]]])


def test_features_are_the_rows_of_largest_norm(tmp_path):
    subject = trained(tmp_path / "run", hidden=(70,), epochs=1)
    W = subject.network.parameters["W1"][0]
    drawn = plots.draw("features", subject).axes[0].images[0]
    grid = np.asarray(drawn.get_array().filled(np.nan))
    assert grid.shape == (8 * 9 + 1, 8 * 9 + 1)
    order = np.argsort(-np.linalg.norm(W, axis=1))
    np.testing.assert_array_equal(grid[1:9, 1:9], W[order[0]].reshape(8, 8))
    np.testing.assert_array_equal(grid[64:72, 64:72], W[order[63]].reshape(8, 8))
    low, high = drawn.get_clim()
    assert -low == high == abs(grid[np.isfinite(grid)]).max()


def test_images_are_square_and_of_one_or_three_colours(tmp_path):
    assert as_images(np.zeros((3, 784))).shape == (3, 28, 28, 1)
    planes = np.arange(2 * 3 * 64).reshape(2, -1)
    np.testing.assert_array_equal(as_images(planes)[1, ..., 2].ravel(), planes[1, 128:])
    for inputs in (6, 49, 80, 3 * 49):
        with pytest.raises(gpufa.InvalidValue, match=f"the {inputs} inputs are no square image"):
            as_images(np.zeros((3, inputs)))
    for n, rows, columns in [(1, 1, 1), (2, 1, 2), (10, 2, 5), (13, 2, 7), (32, 4, 8)]:
        assert mosaic(np.zeros((n, 8, 8, 1))).shape == (9 * rows + 1, 9 * columns + 1, 1)
    net = gpufa.Network([192, 5, 2], rule="bp", backend="numpy")
    drawn = plots.draw("features", plots.Subject("", History((0,)), "bp", net)).axes[0].images[0].get_array()
    assert drawn.min() >= 0
    assert drawn.max() <= 1


def test_a_subject_of_a_single_net_in_memory():
    net = gpufa.Network([6, 4, 3], rule="fa", seed=2, dtype="float64", backend="numpy")
    subject = plots.Subject("", History((2,)), "fa", net, X, np.arange(60) % 3)
    assert reasons(subject).keys() == {"angles", "dead", "features"} | MAPS
    np.testing.assert_array_equal(subject.signals["h1"], net.signals(X, subject.y)["h1"])
    assert subject.outputs.shape == (1, 60, 3)


def test_what_is_missing_is_told_in_one_sentence(tmp_path, regression):
    alone = reasons(plots.Subject("", regression.history))
    assert set(alone) == set(plots.PICTURES) - {"curves", "angles", "dead"}
    assert all("only the history was given" in text for text in alone.values())
    (tmp_path / "real.npz").unlink()
    gone = plots.read(tmp_path / "real")
    assert gone.network
    assert "real.npz" in reasons(gone)["hidden"]
    np.savez(tmp_path / "real.npz", x=X[:, :4], y=TARGETS)
    assert "have changed since; bring back those" in reasons(plots.read(tmp_path / "real"))["hidden"]
    data = Data(X, np.arange(60) % 3, X, np.arange(60) % 3)
    gpufa.train(gpufa.Config(**FAST | {"out": str(tmp_path / "own")}), data=data)
    assert "does not name its data" in reasons(plots.read(tmp_path / "own"))["hidden"]
    with pytest.raises(gpufa.FileProblem, match="nowhere"):
        plots.read(tmp_path / "nowhere")


def test_a_thousand_test_samples_at_most_evenly_chosen(tmp_path):
    x = np.linspace(0, 1, 6000, dtype=np.float32)[:, None]
    np.savez(tmp_path / "long.npz", x_train=x[:9], y_train=x[:9], x_test=x, y_test=x)
    subject = trained(tmp_path / "long", tmp_path / "long.npz", hidden=(3,), epochs=1, scaling="unit")
    assert len(subject.x) == len(subject.y) == 1000
    np.testing.assert_array_equal(subject.y[[0, -1]], x[[0, -1]])
    np.testing.assert_array_equal(subject.x, subject.y)  # raw, as the data have it
    assert spread(range(1, 101), 6) == [1, 21, 41, 60, 80, 100]
    assert spread([1, 2], 6) == [1, 2]


@pytest.mark.parametrize(("form", "start"), [("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF")])
def test_equal_pictures_give_equal_bytes_in_every_format(subject, tmp_path, form, start):
    first, second = (plots.encode(plots.draw("curves", subject), form) for _ in range(2))
    assert first == second
    assert first.startswith(start)
    plots.save(plots.draw("curves", subject), tmp_path / f"curves.{form}")
    assert (tmp_path / f"curves.{form}").read_bytes() == first


def test_a_programs_own_style_changes_nothing(subject):
    import matplotlib

    plain = plots.encode(plots.draw("confusion", subject), "svg")
    dark = {"text.color": "white", "figure.facecolor": "black", "font.family": "monospace", "svg.fonttype": "none"}
    with matplotlib.rc_context(dark):
        assert plots.encode(plots.draw("confusion", subject), "svg") == plain
        assert matplotlib.rcParams["text.color"] == "white"


@pytest.mark.usefixtures("drawn")
def test_bad_names_formats_and_folders(subject, tmp_path):
    with pytest.raises(
        gpufa.InvalidValue, match="unknown picture 'curve'; choose one of curves, angles, dead, activity"
    ):
        plots.draw("curve", subject)
    with pytest.raises(gpufa.InvalidValue, match=r"no format that gpufa draws; end it in .png, .svg, .pdf"):
        plots.curves(subject, tmp_path / "curves.bmp")
    with pytest.raises(gpufa.FileProblem, match=r"can't be written \(No such file or directory\); check the folder"):
        plots.compare({"one": subject.history}, tmp_path / "none" / "c.png")


def test_a_comparison_of_errors_with_an_rmse_says_so(subject, regression):
    left = plots.comparison({"digits": subject.history, "real": regression.history}).axes[0]
    assert left.get_title() == "test error, % or RMSE"
    np.testing.assert_allclose(left.lines[1].get_ydata(), regression.history.epochs["test_rmse"].mean(axis=1))
    assert plots.comparison({"digits": subject.history}).axes[0].get_title() == "test error, %"
    assert not left.get_legend()
