"""The named data sets: embedded, in a folder of the user's, or downloaded."""

import functools
import gzip
import hashlib
import http.server
import runpy
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from gpufa.basics.errors import FileProblem, InvalidValue
from gpufa.data import datasets
from gpufa.data.datasets import load_data, load_inputs
from gpufa.data.samples.data import Data
from gpufa.data.sets.forms import IDX_FILES
from gpufa.data.sets.namedsets import DATASETS, fetch


def idx(array: np.ndarray, code: int = 8) -> bytes:
    """The bytes of an IDX file."""
    return bytes([0, 0, code, array.ndim]) + np.array(array.shape, ">u4").tobytes() + array.tobytes()


def mnist_like() -> dict[str, np.ndarray]:
    """Six training and three test images of 2x2."""
    pixels = np.arange(24, dtype=np.uint8).reshape(6, 2, 2) * 10
    labels = np.array([0, 1, 2, 2, 1, 0], np.uint8)
    arrays = pixels, labels, 255 - pixels[:3], labels[:3]
    return dict(zip(IDX_FILES, arrays, strict=True))


def write_idx(folder: Path, compress: bool = True) -> Path:
    """The files of `mnist_like`."""
    folder.mkdir(parents=True)
    for name, array in mnist_like().items():
        if compress:
            (folder / f"{name}.gz").write_bytes(gzip.compress(idx(array), mtime=0))
        else:
            (folder / name).write_bytes(idx(array))
    return folder


def check_mnist_like(data: Data) -> None:
    pixels, labels, test_pixels, test_labels = mnist_like().values()
    assert data.x_train.dtype == np.float32
    assert data.y_train.dtype == data.y_test.dtype == np.int64
    assert_allclose(data.x_train, pixels.reshape(6, 4) / 255, rtol=1e-6)
    assert_allclose(data.x_test, test_pixels.reshape(3, 4) / 255, rtol=1e-6)
    assert_array_equal(data.y_train, labels)
    assert_array_equal(data.y_test, test_labels)


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """$GPUFA_DATA; there is no cache and no network."""
    monkeypatch.setenv("GPUFA_DATA", str(tmp_path / "own"))
    monkeypatch.setattr("gpufa.data.sets.namedsets.cache_folder", lambda: tmp_path / "cache" / "gpufa")
    for name in "mnist", "fashion_mnist":
        monkeypatch.setitem(DATASETS, name, DATASETS[name]._replace(mirrors=("http://127.0.0.1:9/",)))
    return tmp_path / "own"


# The named sets


def test_digits_are_scaled_and_split_by_class() -> None:
    data = load_data("digits")
    named = DATASETS["digits"]
    assert data.x_train.shape == (named.train_samples, named.features)
    assert data.x_test.shape == (named.test_samples, named.features)
    assert named.train_samples + named.test_samples == 1797
    for x in data.x_train, data.x_test:
        assert x.dtype == np.float32
        assert x.flags.c_contiguous
        assert (x.min(), x.max()) == (0, 1)
    counts = np.bincount(data.y_train), np.bincount(data.y_test)
    assert len(counts[0]) == named.classes
    assert (abs(counts[1] - 0.2 * (counts[0] + counts[1])) <= 1).all()


def test_digits_are_those_that_the_script_makes(tmp_path: Path) -> None:
    script = runpy.run_path(str(Path(__file__).parents[2] / "data" / "make_digits.py"))
    script["main"](tmp_path / "digits.npz")
    with (
        np.load(tmp_path / "digits.npz") as made,
        np.load(Path(datasets.__file__).with_name("sets") / "digits.npz") as embedded,
    ):
        assert made.files == embedded.files
        for name in made.files:
            assert_array_equal(made[name], embedded[name])
        assert sum(int(embedded[name].sum()) for name in ("x_train", "x_test")) == 561718
        assert "CC BY 4.0" in str(embedded["source"])


def test_table_of_sets() -> None:
    assert list(DATASETS) == ["digits", "mnist", "fashion_mnist", "cifar10"]
    for named in DATASETS.values():
        assert named.description
        assert named.source
        assert len(named.checksums) == len(named.form.downloads)
        assert bool(named.mirrors) == bool(named.form.downloads)
        for checksum in named.checksums:
            kind, _, digest = checksum.partition(":")
            assert len(digest) == 2 * hashlib.new(kind).digest_size


@pytest.mark.parametrize("compress", [True, False])
@pytest.mark.parametrize("name", ["mnist", "fashion_mnist", "fashion-mnist"])
def test_idx_files_of_the_user(own: Path, name: str, compress: bool) -> None:
    folder = write_idx(own / name.replace("-", "_"), compress)
    assert fetch(name) == folder
    check_mnist_like(load_data(name))


def test_labels_beyond_training(own: Path) -> None:
    (write_idx(own / "mnist") / "t10k-labels-idx1-ubyte").write_bytes(idx(np.array([0, 1, 9], np.uint8)))
    with pytest.raises(InvalidValue, match=r"^mnist: y_test has the class 9"):
        load_data("mnist")


def test_plain_idx_file_goes_before_gzipped(own: Path) -> None:
    folder = write_idx(own / "mnist")
    (folder / "t10k-labels-idx1-ubyte").write_bytes(idx(np.array([2, 2, 2], np.uint8)))
    assert_array_equal(load_data("mnist").y_test, [2, 2, 2])


IMAGES = mnist_like()["train-images-idx3-ubyte"]


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"", r"not an IDX file: it starts with b''"),
        (b"<html>", r"not an IDX file: it starts with b'<htm'"),
        (idx(IMAGES, code=0x0D), r"IDX data of type 0x0d; expected unsigned bytes, 0x08"),
        (idx(IMAGES[0]), r"has 2 dimensions; expected 3"),
        (idx(IMAGES)[:-1], r"has 39 bytes, but its header asks for 40"),
        (idx(IMAGES) + b"!", r"has 41 bytes, but its header asks for 40"),
        (idx(IMAGES)[:10], r"has 10 bytes, but its header asks for"),
        (idx(IMAGES)[:4], r"has 4 bytes, but its header asks for 16"),
        (idx(IMAGES[1:]), r"has 5 train images, but 6 labels"),
        (idx(IMAGES[:, :, :1]), r"x_test has 4 features, but x_train 2"),
        (gzip.compress(idx(IMAGES), mtime=0)[:-9], r"can't be read \(Compressed file ended"),
        (gzip.compress(idx(IMAGES), mtime=0)[:-8] + bytes(8), r"can't be read \(CRC check failed"),
        (b"\x1f\x8b\x08" + bytes(30), r"can't be read \("),
    ],
)
def test_damaged_idx_files(own: Path, raw: bytes, message: str) -> None:
    (write_idx(own / "mnist") / "train-images-idx3-ubyte").write_bytes(raw)
    with pytest.raises((FileProblem, InvalidValue), match=message) as caught:
        load_data("mnist")
    assert "mnist" in str(caught.value)


def test_empty_idx_files(own: Path) -> None:
    folder = write_idx(own / "mnist")
    (folder / "t10k-images-idx3-ubyte").write_bytes(idx(IMAGES[:0]))
    (folder / "t10k-labels-idx1-ubyte").write_bytes(idx(np.zeros(0, np.uint8)))
    with pytest.raises(InvalidValue, match=r"^mnist: x_test is empty \(shape \(0, 2, 2\)\)"):
        load_data("mnist")


def test_idx_file_missing_from_own_folder(own: Path) -> None:
    (write_idx(own / "mnist") / "train-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(FileProblem, match=r"mnist lacks train-labels-idx1-ubyte\[.gz\]; add the file"):
        load_data("mnist")


@pytest.mark.parametrize("name", ["cifar", "MNIST", "digits.doc", "some/folder"])
def test_unknown_name(name: str) -> None:
    message = rf"data '{name}' is unknown; choose from digits, mnist, .*, or a path that ends in .csv, .* or .h5"
    for use in load_data, fetch, functools.partial(load_inputs, features=3):
        with pytest.raises(InvalidValue, match=message):
            use(name)


@pytest.mark.parametrize("name", ["book.txt", "notes/A.MD"])
def test_text_is_said_to_be_text(name: str) -> None:
    with pytest.raises(InvalidValue, match=f"'{name}' is no set's name; where it is a file of text, give text:{name}"):
        load_data(name)


def test_named_set_keeps_its_test_part() -> None:
    with pytest.raises(InvalidValue, match=r"digits has a test part of its own; leave out test_fraction=0.5"):
        load_data("digits", test_fraction=0.5)


def test_digits_need_no_download() -> None:
    assert (fetch("digits") / "digits.npz").is_file()


# Downloads, from servers on this machine


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """A mirror with a good and a bad copy: its address."""
    write_idx(tmp_path / "www" / "good")
    write_idx(tmp_path / "www" / "bad")
    for path in (tmp_path / "www" / "bad").iterdir():
        path.write_bytes(path.read_bytes()[:-1])
    handler = functools.partial(Quiet, directory=str(tmp_path / "www"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as httpd:
        thread = threading.Thread(target=httpd.serve_forever, args=(0.02,))
        thread.start()
        yield f"http://127.0.0.1:{httpd.server_port}/"
        httpd.shutdown()
        thread.join()


@pytest.fixture
def mirrors(server: str, own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Sets where mnist comes from, by the paths of its mirrors on the server."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    good = [(tmp_path / "www" / "good" / f"{name}.gz").read_bytes() for name in IDX_FILES]
    checksums = tuple(f"sha256:{hashlib.sha256(raw).hexdigest()}" for raw in good)

    def choose(*paths: str) -> None:
        addresses = tuple(path if "://" in path else server + path for path in paths)
        monkeypatch.setitem(DATASETS, "mnist", DATASETS["mnist"]._replace(mirrors=addresses, checksums=checksums))

    return choose


NOWHERE = "http://127.0.0.1:9/"  # nothing listens there


@pytest.mark.parametrize("first", ["good/", "missing/", "bad/", NOWHERE])
def test_download(mirrors, tmp_path: Path, first: str) -> None:
    mirrors(first, "good/")
    check_mnist_like(load_data("mnist"))
    cache = tmp_path / "cache" / "gpufa" / "mnist"
    assert sorted(path.name for path in cache.iterdir()) == sorted(f"{name}.gz" for name in IDX_FILES)
    mirrors(NOWHERE)
    check_mnist_like(load_data("mnist"))  # from the cache
    assert fetch("mnist") == cache


def test_download_of_what_the_cache_lacks(mirrors, tmp_path: Path) -> None:
    cache = write_idx(tmp_path / "cache" / "gpufa" / "mnist", compress=False)
    (cache / "t10k-labels-idx1-ubyte").unlink()
    mirrors("good/")
    check_mnist_like(load_data("mnist"))
    assert sorted(path.suffix for path in cache.iterdir()) == ["", "", "", ".gz"]


@pytest.mark.parametrize(
    ("paths", "reasons"),
    [
        (("bad/", "bad/"), r"/bad/: wrong checksum; http://\S*/bad/: wrong checksum"),
        ((NOWHERE, "missing/"), r"/127.0.0.1:9/: ConnectionError; http://\S*/missing/: HTTPError"),
    ],
)
def test_failing_download(mirrors, tmp_path: Path, paths: tuple[str, ...], reasons: str) -> None:
    mirrors(*paths)
    with pytest.raises(FileProblem, match=rf"{reasons}\); try again, or put it into \$GPUFA_DATA/mnist") as caught:
        load_data("mnist")
    assert str(caught.value).startswith("train-images-idx3-ubyte.gz can't be downloaded to ")
    cache = tmp_path / "cache" / "gpufa" / "mnist"
    assert not list(cache.iterdir())  # nothing that a later run would take for the data


def test_cache_that_cannot_be_written(mirrors, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("in the way")
    mirrors("good/")
    with pytest.raises(FileProblem, match=r"can't be downloaded to \S+mnist \(\S+/good/: \w+Error\); try again"):
        load_data("mnist")


def test_own_folder_goes_before_the_cache(mirrors, own: Path) -> None:
    mirrors("good/")
    fetch("mnist")
    assert fetch("mnist") != write_idx(own / "mnist") == fetch("mnist")


def test_light_import() -> None:
    """Without the rest of the package, what takes long to import is left for when it is used."""
    code = f"""
import sys, types
package = sys.modules["gpufa"] = types.ModuleType("gpufa")
package.__path__ = [{str(Path(datasets.__file__).parent.parent)!r}]
import gpufa.data.datasets
assert not {{"h5py", "pooch", "requests", "scipy"}} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("zipped", [False, True])
def test_idx_reads_no_more_than_the_header_asks_for(own: Path, zipped: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_idx(own / "mnist") / "train-images-idx3-ubyte"
    header = bytes([0, 0, 8, 3]) + b"".join(n.to_bytes(4, "big") for n in (6, 2, 2))
    for raw, message in (
        (header + bytes(10**8), r"more than 40 bytes|100000016 bytes, but its header asks for 40"),
        (header[:4] + b"\xff" * 12 + bytes(24), r"40 bytes, but its header asks for 79228162458924105385300197391"),
    ):
        path.write_bytes(gzip.compress(raw, 1) if zipped else raw)
        with pytest.raises(FileProblem, match=message):
            load_data("mnist")
