"""Tasks in time made by the program."""

import numpy as np
import pytest

import gpufa
from gpufa.data.tasks import TASKS, Adding, DelayedXor, Evidence, Sines


@pytest.mark.parametrize("name", TASKS)
def test_parts_have_their_shapes_and_are_the_same_in_every_run(name):
    task = type(TASKS[name])(**({} if name == "sines" else {"train_samples": 40, "test_samples": 9}))
    for part, samples in (("train", task.train_samples), ("test", task.test_samples)):
        x, y = task.part(part)
        assert x.dtype == np.float32
        assert x.shape == (samples, task.inputs)
        assert len(y) == samples
        for a, b in zip((x, y), task.part(part), strict=True):
            np.testing.assert_array_equal(a, b)
    other = type(task)(**{**vars(task), "seed": 1}).part("test")[0]
    assert not np.array_equal(x, other)
    if name != "sines":
        assert not np.array_equal(x, task.part("train")[0][: len(x)])


def test_delayed_xor_asks_whether_two_bits_differed():
    task = DelayedXor(train_samples=400, cue=2, delay=3, noise=0.0)
    x, y = task.part("train")
    x = x.reshape(400, 3, 12)
    bits = x[:, 1, [0, 5]]
    np.testing.assert_array_equal(x[:, 0, [0, 5]], 1 - bits)
    np.testing.assert_array_equal(y, bits[:, 0] != bits[:, 1])
    for start in (0, 5):
        np.testing.assert_array_equal(x[:, :, start], x[:, :, start + 1])
    assert not x[:, :, [2, 3, 4, 7, 8, 9]].any()
    assert not x[:, :2, 10:].any()
    assert (x[:, 2, 10:] == 1).all()
    assert (np.bincount((bits @ [1, 2]).astype(int)) > 70).all()  # of 100 expected
    noisy = DelayedXor(train_samples=400, cue=2, delay=3, noise=0.5).part("train")[0].reshape(400, 3, 12) - x
    assert abs(noisy.std() - 0.5) < 0.02


def test_adding_marks_a_number_in_each_half():
    x, y = Adding(train_samples=300, steps=9).part("train")
    x = x.reshape(300, 2, 9)
    np.testing.assert_array_equal(x[:, 1, :4].sum(axis=1), 1)
    np.testing.assert_array_equal(x[:, 1, 4:].sum(axis=1), 1)
    np.testing.assert_allclose((x[:, 0] * x[:, 1]).sum(axis=1), y[:, 0], rtol=1e-6)
    assert x[:, 0].min() >= 0
    assert x[:, 0].max() < 1
    assert abs(np.square(y - 1).mean() - 1 / 6) < 0.03
    assert x[:, 1].any(axis=0).all()


def test_sines_are_one_sequence_of_spikes_and_sums_of_sines():
    task = Sines(channels=20, outputs=2, time=400, step=2)
    x, y = task.part("train")
    x = x.reshape(20, 200)
    assert set(np.unique(x)) == {0, 1}
    assert abs(x.mean() - 0.1) < 0.02
    assert y.shape == (1, 2, 200)
    assert not y[..., 0].any()
    np.testing.assert_allclose(np.abs(y).max(axis=-1), 1)
    t = np.linspace(0, 2 * np.pi, 200)
    known = np.array([np.ones(200), *(f(p * t) for p in (1, 2, 3, 5) for f in (np.sin, np.cos))])
    for own in y[0]:
        weights, residual, *_ = np.linalg.lstsq(known.T, own.astype(float))
        assert residual < 1e-10
        assert np.hypot(weights[1::2], weights[2::2]).min() > 0.05
    np.testing.assert_array_equal(task.part("test")[1], y)


def test_evidence_is_on_the_side_of_more_cues():
    task = Evidence(train_samples=300, cues=3, cue=50, gap=10, delay=40, recall=30, step=5, frequency=100)
    x, y = task.part("train")
    assert task.shape == (40, 36 + 8 + 6)
    x = x.reshape(300, 4, 10, 50)
    assert (y[:, :44] == -1).all()
    assert (y[:, 44:] == y[:, -1:]).all()
    assert not x[:, :2, :, 36:].any()
    assert not x[:, 2, :, :44].any()
    assert abs(x[:, 2, :, 44:].mean() - 0.5) < 0.02
    assert abs(x[:, 3].mean() - 0.125) < 0.01
    cues = x[:, :2, :, :36].reshape(300, 2, 10, 3, 12)
    assert not cues[..., :2].any()
    counts = cues[..., 2:].sum(axis=(2, 4))
    assert (counts.min(axis=1) == 0).all()  # a cue is on one side
    right = counts[:, 1] > counts[:, 0]
    np.testing.assert_array_equal(right.sum(axis=1) > 1.5, y[:, -1])
    assert abs(y[:, -1].mean() - 0.5) < 0.1
    same = np.maximum(right.sum(axis=1), 3 - right.sum(axis=1)) == 3
    assert abs(same.mean() - (0.7**3 + 0.3**3)) < 0.1


def test_they_are_sets_known_by_name_with_settings_behind_it():
    data = gpufa.load_data("delayed-xor:delay=2,cue=1,train_samples=30,test_samples=7")
    assert data.x_train.shape == (30, 21)
    assert data.x_test.shape == (7, 21)
    places = gpufa.load_data("evidence:step=25,train_samples=8,test_samples=2")
    assert places.y_train.shape == (8, 90)
    assert places.about.places == 90
    amounts = gpufa.load_data("sines:time=50,channels=3")
    assert amounts.y_train.shape == (1, 50)
    assert gpufa.load_data("adding:steps=8,train_samples=5").y_train.shape == (5, 1)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("adding:length=3", "data 'adding' has no setting 'length'; it has train_samples, test_samples, seed, steps"),
        ("evidence:que=3", "data 'evidence' has no setting 'que'; did you mean 'cue'?"),
        ("digits:steps=3", "data 'digits' has no setting 'steps'; it has none"),
        ("adding:steps=x", "the steps of adding can't be 'x'; give a whole number, such as adding:steps=10"),
        ("sines:time=", "the time of sines can't be ''; give a number, such as sines:time=10"),
        ("adding:steps=1", "the steps of adding can't be 1; give a whole number of at least 2"),
        ("sines:time=-1", "the time of sines can't be -1.0; give a number above 0, up to 1000000"),
        ("delayed_xor:noise=-1", "the noise of delayed_xor can't be -1.0; give a number of at least 0, up to 1000000"),
        ("evidence:step=1e-300", "evidence can't have 2250 ms in steps of 1e-300 ms; give a larger step, for 1000000"),
        ("evidence:step=300", "the cue of evidence can't be 100 ms in steps of 300 ms; give a smaller step, for at l"),
        ("sines:step=900", "the time of sines can't be 1000 ms in steps of 900 ms; give a smaller step, for at least"),
        ("evidence:frequency=201", "evidence can't have spikes at 201 Hz in steps of 5 ms, of one a step at most"),
        ("sines:frequency=2000", "sines can't have spikes at 2000 Hz in steps of 1 ms, of one a step at most"),
        ("evidence:cues=2", "evidence can't have 40 channels and 2 cues; give channels in fours, and an odd number"),
    ],
)
def test_what_cannot_be_is_refused(name, sentence):
    with pytest.raises(gpufa.InvalidValue, match=sentence):
        gpufa.load_data(name)
