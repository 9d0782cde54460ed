"""Images as JPEG files in an .npz of one's own."""

import sys

import numpy as np
import pytest
from imagefilelab import NAMES, jpeg, jpeg_arrays, plain

import gpufa
from gpufa.basics.errors import FileProblem, InvalidValue
from gpufa.data.datasets import load_data, load_inputs


def written(tmp_path, **changes):
    """The path of the .npz, with those arrays in place of its own."""
    path = tmp_path / "own.npz"
    arrays = {name: array for name, array in {**jpeg_arrays(), **changes}.items() if array is not None}
    np.savez(path, **arrays)
    return path


def test_images_are_bytes_channels_first(tmp_path):
    data = load_data(written(tmp_path))
    assert (data.x_train.dtype, data.x_train.shape, data.places) == (np.uint8, (6, 192), (3, 8, 8))
    expected = np.stack([plain(i * 20).transpose(2, 0, 1) for i in range(6)])
    assert abs(data.x_train.reshape(6, 3, 8, 8).astype(int) - expected).max() <= 3
    assert data.about.lossy == "JPEG"
    assert [data.about.class_name(label) for label in data.y_test] == [NAMES[i % 3] for i in range(6)]
    x, y = load_inputs(tmp_path / "own.npz", 192, data.about, shape=(3, 8, 8))
    np.testing.assert_array_equal(x, data.x_test)
    np.testing.assert_array_equal(y, data.y_test)


def test_grey_images_have_one_channel_and_labels_need_no_names(tmp_path):
    grey = [jpeg(np.full((4, 6), 40 * i, np.uint8)) for i in range(6)]
    offsets = np.cumsum([0, *map(len, grey)])
    arrays = {f"{part}_{name}": array for part in ("train", "test") for name, array in (
        ("jpeg", np.frombuffer(b"".join(grey), np.uint8)), ("offsets", offsets))}  # fmt: skip
    data = load_data(written(tmp_path, classes=None, **arrays))
    assert (data.places, data.about.classes) == ((1, 4, 6), None)
    np.testing.assert_array_equal(data.y_train, [0, 1, 2, 0, 1, 2])


OWN = jpeg_arrays()
OFFSETS, FILES = OWN["train_offsets"], OWN["train_jpeg"]
LARGER = jpeg(plain(7, size=16))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"train_offsets": None}, r"has no array train_offsets; expected train_jpeg, train_offsets, train_y"),
        ({"test_y": None}, r"has no array test_y; expected test_jpeg, test_offsets, test_y"),
        ({"train_offsets": OFFSETS[:-1]}, r"train_offsets don't fit; expected 7 growing whole numbers, from 0 to"),
        ({"train_offsets": OFFSETS + 1}, r"train_offsets don't fit"),
        ({"train_offsets": OFFSETS[::-1]}, r"train_offsets don't fit"),
        ({"train_offsets": np.r_[0, OFFSETS[1], OFFSETS[1:-2], OFFSETS[-1]]}, r"train_offsets don't fit"),
        ({"train_offsets": OFFSETS.astype(float)}, r"train_offsets don't fit"),
        ({"train_jpeg": FILES[:-1]}, r"train_offsets don't fit"),
        ({"train_jpeg": FILES.astype(int)}, r"train_jpeg is int64 of the shape"),
        ({"train_y": OWN["train_y"][:, None]}, r"train_y is uint8 of the shape \(6, 1\); expected a label for each"),
        ({"train_y": OWN["train_y"].astype(float)}, r"train_y is float64 of the shape \(6,\)"),
        ({"train_y": OWN["train_y"] + 1}, r"train_y has the label 3 at image 2 \(counted from 0\); expected 0 to 2"),
        ({"train_y": OWN["train_y"].astype(int) - 1}, r"train_y has the label -1 at image 0"),
        ({"classes": np.array(["cat", "ant", "cat"])}, r"classes are <U3 of the shape \(3,\); expected names in a row"),
        ({"classes": np.arange(3)}, r"classes are int64 of the shape \(3,\)"),
        ({"train_jpeg": np.r_[np.zeros(OFFSETS[1], np.uint8), FILES[OFFSETS[1]:]]},
         r"train image 0 \(counted from 0\) can't be read as JPEG"),
        ({"train_jpeg": np.r_[FILES[: OFFSETS[-1] - 100], np.zeros(100, np.uint8)][: OFFSETS[-1]],
          "train_offsets": np.r_[OFFSETS[:-2], OFFSETS[-2] - 300, OFFSETS[-1]]}, r"can't be read as JPEG"),
        ({"train_jpeg": np.r_[FILES, np.frombuffer(LARGER, np.uint8)], "train_y": np.r_[OWN["train_y"], 0].astype(int),
          "train_offsets": np.r_[OFFSETS, OFFSETS[-1] + len(LARGER)]},
         r"train image 6 \(counted from 0\) is 3x16x16, but the first 3x8x8"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_told(tmp_path, changes, message):
    with pytest.raises(FileProblem, match=message) as caught:
        load_data(written(tmp_path, **changes))
    assert "own.npz" in str(caught.value)


def test_without_pillow_a_sentence_says_what_to_install(tmp_path, monkeypatch):
    path = written(tmp_path)
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(FileProblem, match=r"is read by Pillow, which is not installed; pip install 'gpufa\[images\]'"):
        load_data(path)


def test_flags_of_columns_are_refused(tmp_path):
    path = written(tmp_path)
    with pytest.raises(InvalidValue, match=r"it holds images as JPEG files; leave --target out"):
        load_data(path, target="y")
    with pytest.raises(InvalidValue, match=r"it has a test part of its own; leave out test_fraction=0.5"):
        load_data(path, test_fraction=0.5)


def test_a_run_says_what_the_images_have_lost_and_needs_no_input_word(tmp_path, capsys):
    config = gpufa.Config(data=str(written(tmp_path)), layers=("conv 2 3x3 relu, pool 2",), rule="bp", scaling="unit",
                          epochs=1, seeds=(0,), out=str(tmp_path / "run"), backend="numpy")  # fmt: skip
    result = gpufa.train(config)
    assert result.network.sizes.shapes[0] == (3, 8, 8)
    about = gpufa.load(tmp_path / "run").about
    assert (about.lossy, about.classes) == ("JPEG", ("ant", "bee", "cat"))
