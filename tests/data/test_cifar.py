"""CIFAR-10 by its name: the authors' archive, what it holds, and JPEG files in its place."""

import functools
import hashlib
import http.server
import threading

import numpy as np
import pytest
from imagefilelab import NAMES, contents, jpeg_arrays, records, write_archive

from gpufa.basics.errors import FileProblem
from gpufa.data.datasets import load_data, load_inputs
from gpufa.data.sets import cifar
from gpufa.data.sets.namedsets import DATASETS, fetch


@pytest.fixture
def own(tmp_path, monkeypatch):
    """$GPUFA_DATA/cifar10, which isn't there yet; there is no cache and no network."""
    monkeypatch.setenv("GPUFA_DATA", str(tmp_path / "own"))
    monkeypatch.setattr("gpufa.data.sets.namedsets.cache_folder", lambda: tmp_path / "cache" / "gpufa")
    monkeypatch.setitem(DATASETS, "cifar10", DATASETS["cifar10"]._replace(mirrors=("http://127.0.0.1:9/",)))
    return tmp_path / "own" / "cifar10"


def unpack(folder, files):
    folder.mkdir(parents=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)


@pytest.mark.parametrize("as_files", ["archive", "unpacked", "as the archive unpacks"])
def test_records_are_read_channel_by_channel(own, as_files):
    if as_files == "archive":
        write_archive(own / cifar.ARCHIVE, contents())
    else:
        unpack(own / cifar.FOLDER if as_files.startswith("as") else own, contents())
    assert fetch("cifar10") == own
    data, train = load_data("cifar10"), np.concatenate([records(i) for i in range(5)])
    np.testing.assert_array_equal(data.x_train, np.divide(train[:, 1:], 255, dtype=np.float32))
    np.testing.assert_array_equal(data.y_train, train[:, 0])
    np.testing.assert_array_equal(data.x_test, np.divide(records(5)[:, 1:], 255, dtype=np.float32))
    assert (data.places, data.about.classes, data.about.lossy) == ((3, 32, 32), NAMES, None)
    x, y = load_inputs("cifar10", cifar.RECORD - 1, data.about)
    np.testing.assert_array_equal(x, data.x_test)
    np.testing.assert_array_equal(y, data.y_test)


def test_a_record_is_a_label_then_red_green_and_blue(own):
    files = contents()
    record = np.repeat(np.array([2, 10, 20, 30], np.uint8), [1, 1024, 1024, 1024])
    write_archive(own / cifar.ARCHIVE, {**files, "data_batch_1.bin": record.tobytes() + files["data_batch_1.bin"]})
    data = load_data("cifar10")
    np.testing.assert_allclose(data.x_train[0].reshape(3, -1).mean(axis=1) * 255, [10, 20, 30], rtol=1e-5)
    assert data.y_train[0] == 2


def test_jpeg_files_stand_in_for_the_archive_and_say_so(own):
    own.mkdir(parents=True)
    np.savez(own / "all.npz", **jpeg_arrays())
    assert fetch("cifar10") == own
    data = load_data("cifar10")
    assert (data.x_train.shape, data.places, data.about.lossy) == ((6, 192), (3, 8, 8), "JPEG")
    said = data.about.sentence(3, 192, 6, 6)
    assert said.endswith(
        "; the images are from JPEG files, lossy, so that errors can't be compared with published ones"
    )
    write_archive(own / cifar.ARCHIVE, contents())
    assert load_data("cifar10").about.lossy is None  # what has lost nothing goes before


@pytest.mark.parametrize("label", [-1, 10])
def test_labels_without_names_are_0_to_9(own, label):
    """They would be counted anew otherwise, and a label be another class."""
    own.mkdir(parents=True)
    arrays = jpeg_arrays() | {"train_y": np.array([0, 1, 2, label, 1, 2])}
    np.savez(own / "all.npz", **{name: array for name, array in arrays.items() if name != "classes"})
    with pytest.raises(FileProblem, match=rf"train_y has the label {label} at image 3 .* expected 0 to 9"):
        load_data("cifar10")


def test_a_name_of_two_words_is_one_class(own):
    unpack(own, contents() | {cifar.META: b"polar bear\r\nant\r\nbee\r\n\r\n"})
    assert load_data("cifar10").about.classes == ("polar bear", "ant", "bee")


def test_two_files_of_jpegs_are_refused(own):
    own.mkdir(parents=True)
    for name in ("a", "b"):
        np.savez(own / f"{name}.npz", **jpeg_arrays())
    np.savez(own / "c.npz", x=np.zeros(3))
    with pytest.raises(FileProblem, match=r"cifar10 has a.npz and b.npz, and either could be it; leave one there"):
        load_data("cifar10")


def test_what_a_folder_lacks(own):
    own.mkdir(parents=True)
    with pytest.raises(FileProblem, match=r"lacks cifar-10-binary.tar.gz, what that holds, or an .npz of JPEG files;"):
        fetch("cifar10")
    unpack(own / cifar.FOLDER, {name: raw for name, raw in contents().items() if name != "data_batch_3.bin"})
    with pytest.raises(FileProblem, match=r"lacks data_batch_3.bin; add the file, or rename the folder"):
        load_data("cifar10")


WHOLE = records(1).tobytes()


@pytest.mark.parametrize(
    ("name", "raw", "message"),
    [
        ("data_batch_2.bin", WHOLE[:-1], r"data_batch_2.bin in \S+ has 12291 bytes; expected records of 3073 bytes"),
        ("data_batch_2.bin", b"", r"data_batch_2.bin in \S+ has 0 bytes"),
        ("test_batch.bin", WHOLE[:3073] * 10_001, r"has 30733073 bytes; expected records of 3073 bytes, at most 10000"),
        ("data_batch_1.bin", WHOLE[:3073] + b"\x07" + WHOLE[1:3073], r"train part, has the label 7 at image 1 .* to 2"),
        (cifar.META, b"\n\n", r"batches.meta.txt in \S+ has no names of classes"),
        (cifar.META, b"cat\nant\ncat\n", r"batches.meta.txt in \S+ has no names of classes, or one twice"),
        (cifar.META, b"", r"batches.meta.txt in \S+ has 0 bytes; expected names of classes"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("packed", [True, False])
def test_damaged_files(own, name, raw, message, packed):
    files = {**contents(), name: raw}
    write_archive(own / cifar.ARCHIVE, files) if packed else unpack(own, files)
    with pytest.raises(FileProblem, match=message) as caught:
        load_data("cifar10")
    assert str(own) in str(caught.value)
    assert "can't be read" not in str(caught.value)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda raw: raw[: len(raw) // 2], r"can't be read \("),
        (lambda raw: raw[:-9], r"can't be read \("),
        (lambda raw: b"<html>" + raw, r"can't be read \(Not a gzipped file"),
        (lambda raw: b"", r"can't be read \("),
        (lambda raw: raw[:5000] + bytes(200) + raw[5200:], r"can't be read \("),
    ],
)
def test_damaged_archives(own, damage, message):
    path = write_archive(own / cifar.ARCHIVE, contents())
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(FileProblem, match=rf"cifar-10-binary.tar.gz {message}"):
        load_data("cifar10")


def test_an_archive_without_one_of_its_files(own):
    write_archive(own / cifar.ARCHIVE, {n: raw for n, raw in contents().items() if n != "data_batch_4.bin"})
    with pytest.raises(FileProblem, match=r"cifar-10-binary.tar.gz has no data_batch_4.bin; get the file again"):
        load_data("cifar10")


def test_a_folder_in_place_of_a_file(own):
    unpack(own, {**contents()})
    (own / "test_batch.bin").unlink()
    (own / "test_batch.bin").mkdir()
    with pytest.raises(FileProblem, match=r"lacks test_batch.bin"):
        load_data("cifar10")


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        pass


def test_download(own, tmp_path, monkeypatch):
    path = write_archive(tmp_path / "www" / cifar.ARCHIVE, contents())
    checksum = f"md5:{hashlib.md5(path.read_bytes()).hexdigest()}"
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    handler = functools.partial(Quiet, directory=str(tmp_path / "www"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as httpd:
        thread = threading.Thread(target=httpd.serve_forever, args=(0.02,))
        thread.start()
        at = (f"http://127.0.0.1:{httpd.server_port}/",)
        monkeypatch.setitem(DATASETS, "cifar10", DATASETS["cifar10"]._replace(mirrors=at, checksums=(checksum,)))
        assert len(load_data("cifar10").x_train) == 20
        httpd.shutdown()
        thread.join()
    assert fetch("cifar10") == tmp_path / "cache" / "gpufa" / "cifar10"  # from the cache
    (fetch("cifar10") / cifar.ARCHIVE).unlink()
    with pytest.raises(FileProblem, match=r"cifar-10-binary.tar.gz can't be downloaded to"):
        load_data("cifar10")


def test_the_published_archive_is_known_by_its_checksum():
    assert DATASETS["cifar10"].checksums == ("md5:c32a1d4ab5d03f1284b67883e8d87530",)
