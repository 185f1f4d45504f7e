"""MNIST: four files, verified, and fetched only on request."""

import gzip
import hashlib
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from mnist1d import mnist
from mnist1d.dataset.atomic import unfinished
from mnist1d.mnist import MIRRORS, load_mnist, mnist_folder

SHARED = Path(__file__).parents[3] / "shared" / "mnist"
SHAPES = {
    "x": ("train-images-idx3-ubyte", (5, 28, 28)),
    "y": ("train-labels-idx1-ubyte", (5,)),
    "x_test": ("t10k-images-idx3-ubyte", (3, 28, 28)),
    "y_test": ("t10k-labels-idx1-ubyte", (3,)),
}


@pytest.fixture(autouse=True)
def _no_folder_named(monkeypatch, tmp_path):
    monkeypatch.delenv("MNIST1D_MNIST", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "cache"))
    monkeypatch.setattr(mnist, "MIRRORS", ())


@pytest.fixture
def small(monkeypatch):
    """Make MNIST a set of eight images, and return the four files' contents by name."""
    rng = np.random.default_rng(0)
    contents, files = {}, {}
    for part, (name, shape) in SHAPES.items():
        values = rng.integers(0, 10 if len(shape) == 1 else 256, shape, np.uint8)
        header = bytes([0, 0, 8, len(shape)]) + b"".join(n.to_bytes(4, "big") for n in shape)
        contents[name] = header + values.tobytes()
        files[part] = mnist._File(name, shape, hashlib.sha256(contents[name]).hexdigest())
    monkeypatch.setattr(mnist, "_FILES", files)
    return contents


@pytest.fixture
def folder(small, tmp_path):
    """Hold the four small files, compressed."""
    folder = tmp_path / "files"
    folder.mkdir()
    for name, content in small.items():
        (folder / f"{name}.gz").write_bytes(gzip.compress(content))
    return folder


def assert_small(loaded, small):
    for part, (name, shape) in SHAPES.items():
        values = getattr(loaded, part)
        assert values.shape == shape
        assert values.dtype == (np.int64 if len(shape) == 1 else np.uint8)
        assert values.astype(np.uint8).tobytes() == small[name][4 + 4 * len(shape) :]


@pytest.mark.skipif(not SHARED.is_dir(), reason=f"MNIST is not in {SHARED}")
def test_the_original_files_are_accepted():
    loaded = load_mnist(SHARED)
    assert loaded.x.shape == (60_000, 28, 28)
    assert loaded.x_test.shape == (10_000, 28, 28)
    # Printed in every description of MNIST: the first labels, and the digits' counts.
    assert loaded.y[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert loaded.y_test[:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]
    counts = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert np.bincount(loaded.y).tolist() == counts
    assert round(loaded.x.mean() / 255, 4) == 0.1307
    # The first digit is a 5 in the middle, not a shifted or transposed one.
    assert not loaded.x[0, :5].any()
    assert loaded.x[0, 5:9, 15:24].mean() > loaded.x[0, 18:24, 19:24].mean()
    assert repr(loaded) == "MNIST(x=(60000, 28, 28), x_test=(10000, 28, 28))"


@pytest.mark.parametrize("dotted", [False, True])
@pytest.mark.parametrize("compressed", [False, True])
def test_files_are_read_under_the_names_of_any_distribution(small, tmp_path, dotted, compressed):
    for name, content in small.items():
        path = tmp_path / (name.replace("-idx", ".idx") if dotted else name)
        if compressed:
            path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(content, 1))
        else:
            path.write_bytes(content)
    assert_small(load_mnist(tmp_path), small)
    assert_small(load_mnist(str(tmp_path)), small)


@pytest.mark.parametrize("compressed", [False, True])
def test_files_are_read_where_torchvision_keeps_them(small, tmp_path, compressed):
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for name, content in small.items():
        path = raw / (f"{name}.gz" if compressed else name)
        path.write_bytes(gzip.compress(content) if compressed else content)
    assert_small(load_mnist(tmp_path), small)
    assert_small(load_mnist(tmp_path, download=True), small)
    assert_small(load_mnist(raw), small)
    (raw / path.name).unlink()
    with pytest.raises(FileNotFoundError, match=f"{path.stem} .*not found in"):
        load_mnist(tmp_path)


def test_compression_is_recognised_by_content_and_folders_are_passed_over(small, folder):
    # Browsers unpack without renaming; some archives hold folders of the files' names.
    name = "t10k-labels-idx1-ubyte"
    (folder / f"{name}.gz").write_bytes(small[name])
    (folder / name).mkdir()
    assert_small(load_mnist(folder), small)


def test_the_folder_is_the_argument_or_else_the_variable(small, folder, tmp_path, monkeypatch):
    assert mnist_folder() is None
    assert mnist_folder(tmp_path / "not there") == tmp_path / "not there"
    assert mnist_folder("~") == Path.home()
    monkeypatch.setenv("MNIST1D_MNIST", str(folder))
    assert mnist_folder() == folder
    assert_small(load_mnist(), small)
    assert mnist_folder(tmp_path) == tmp_path
    with pytest.raises(FileNotFoundError, match="train-images-idx3-ubyte"):
        load_mnist(tmp_path)
    monkeypatch.setenv("MNIST1D_MNIST", "")
    assert mnist_folder() is None


def test_without_any_folder_the_error_says_what_to_do():
    with pytest.raises(FileNotFoundError, match=r"no folder for MNIST.*MNIST1D_MNIST.*download"):
        load_mnist()


@pytest.mark.parametrize("download", [False, True])
def test_a_folder_that_is_none_is_named(tmp_path, download):
    (tmp_path / "file").touch()
    with pytest.raises(FileNotFoundError, match=r"file is no folder"):
        load_mnist(tmp_path / "file", download=download)
    with pytest.raises(FileNotFoundError, match=r"missing is no folder"):
        load_mnist(tmp_path / "missing")
    assert not (tmp_path / "missing").exists()


def test_all_missing_files_are_named_at_once(folder):
    (folder / "train-labels-idx1-ubyte.gz").unlink()
    (folder / "t10k-images-idx3-ubyte.gz").unlink()
    with pytest.raises(FileNotFoundError) as error:
        load_mnist(folder)
    message = str(error.value)
    assert message.startswith("train-labels-idx1-ubyte, t10k-images-idx3-ubyte (or .gz) not found")
    assert str(folder) in message
    assert "download" in message


def flipped(content):
    return content[:-1] + bytes([content[-1] ^ 1])


BAD = {
    "truncated gzip": (lambda content: gzip.compress(content)[:-20], "is truncated: its gzip"),
    "truncated": (lambda content: content[:-7], r"is truncated: \d+ bytes .* instead of"),
    "truncated inside": (lambda content: gzip.compress(content[:-7]), r"is truncated: \d"),
    "cut in the header": (lambda content: content[:3], "is truncated: 3 bytes"),
    "empty": (lambda _content: b"", "is truncated: 0 bytes"),
    "too long": (lambda content: content + b"\0", "is too long"),
    "damaged": (flipped, "is damaged or no MNIST: the SHA-256 is"),
    "damaged inside": (lambda content: gzip.compress(flipped(content)), "is damaged or no"),
    "damaged gzip": (lambda content: b"\x1f\x8b\x08\x00" + content, "is damaged"),
    "bomb": (lambda _content: gzip.compress(bytes(10**7)), "is no IDX file of MNIST"),
    "a web page": (lambda _content: b"<html>Sign in", "is no IDX file .* b'<htm'"),
}


@pytest.mark.parametrize(("spoil", "reason"), BAD.values(), ids=BAD)
@pytest.mark.parametrize("name", ["train-images-idx3-ubyte", "t10k-labels-idx1-ubyte"])
def test_bad_files_are_refused_with_name_reason_and_remedy(small, folder, name, spoil, reason):
    path = folder / f"{name}.gz"
    path.write_bytes(spoil(small[name]))
    with pytest.raises(ValueError, match=rf"(?s){name}\.gz {reason}.*delete it.*download"):
        load_mnist(folder)
    assert path.exists()


def test_random_damage_is_noticed_or_harmless(small, folder):
    """Flips, cuts and additions, in compressed files and in plain ones."""
    rng = np.random.default_rng(0)
    for number in range(300):
        name = list(small)[number % 4]
        path = folder / f"{name}.gz"
        content = bytearray(small[name] if number % 2 else gzip.compress(small[name], mtime=0))
        place = int(rng.integers(len(content)))
        how = number // 8 % 4
        if how == 0:
            content[place] ^= 1 << int(rng.integers(8))
        elif how == 1:
            del content[place:]
        elif how == 2:
            content[place:place] = rng.bytes(int(rng.integers(1, 20)))
        else:
            content = bytearray(rng.bytes(int(rng.integers(0, 100))))
        path.write_bytes(content)
        try:
            loaded = load_mnist(folder)
        except ValueError as error:
            said = str(error)
        else:
            assert_small(loaded, small)  # a date in a header, which nobody reads
            said = path.name
        assert path.name in said
        path.write_bytes(gzip.compress(small[name]))


def test_exchanged_files_are_distinguished(folder):
    first, second = folder / "train-labels-idx1-ubyte.gz", folder / "t10k-labels-idx1-ubyte.gz"
    content = first.read_bytes()
    first.write_bytes(second.read_bytes())
    second.write_bytes(content)
    with pytest.raises(ValueError, match="has the content of t10k-labels-idx1-ubyte, not of train"):
        load_mnist(folder)


@pytest.fixture
def server(monkeypatch):
    """Serve `answers`: from a path to (status, headers, body), on this machine alone."""
    answers, asked = {}, []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            status, headers, body = answers.get(self.path, (404, {}, b""))
            self.send_response(status)
            for key, value in headers.items():
                self.send_header(key, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_arguments):
            """Stay silent."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}"
        monkeypatch.setattr(mnist, "MIRRORS", (f"{url}/first/", f"{url}/second/"))
        yield answers, asked
        server.shutdown()
        thread.join()


def offer(answers, small, mirror, spoil=lambda body: body):
    for name, content in small.items():
        body = gzip.compress(content)
        headers = {"Content-Length": str(len(body))}
        answers[f"/{mirror}/{name}.gz"] = (200, headers, spoil(body))


def test_a_download_keeps_whole_verified_files_and_reports_progress(small, server, tmp_path):
    answers, asked = server
    offer(answers, small, "first")
    reports = []
    place = tmp_path / "new" / "folder"
    loaded = load_mnist(place, download=True, progress=lambda *report: reports.append(report))
    assert_small(loaded, small)
    assert sorted(path.name for path in place.iterdir()) == sorted(f"{name}.gz" for name in small)
    for name in small:
        size = len(gzip.compress(small[name]))
        mine = [report[1:] for report in reports if report[0] == name]
        assert mine[0] == (0, size)
        assert mine[-1] == (size, size)
    assert len(asked) == 4
    assert_small(load_mnist(place, download=True), small)
    assert len(asked) == 4


def test_a_download_without_a_folder_goes_to_the_cache(small, server, tmp_path):
    answers, _ = server
    offer(answers, small, "first")
    assert_small(load_mnist(download=True), small)
    assert (tmp_path / "cache" / "mnist1d" / "mnist" / "train-images-idx3-ubyte.gz").is_file()
    # What one program fetched is no setting of the next one.
    assert mnist_folder() is None


def test_only_what_is_missing_is_fetched(small, folder, server):
    answers, asked = server
    offer(answers, small, "first")
    (folder / "t10k-images-idx3-ubyte.gz").unlink()
    assert_small(load_mnist(folder, download=True), small)
    assert asked == ["/first/t10k-images-idx3-ubyte.gz"]


def test_nothing_is_fetched_without_the_option(small, folder, server):
    answers, asked = server
    offer(answers, small, "first")
    (folder / "t10k-images-idx3-ubyte.gz").unlink()
    with pytest.raises(FileNotFoundError):
        load_mnist(folder)
    assert not asked


@pytest.mark.parametrize("fault", ["truncated", "another content"])
def test_a_bad_answer_is_thrown_away_and_the_next_mirror_asked(small, server, tmp_path, fault):
    answers, asked = server
    if fault == "truncated":
        offer(answers, small, "first", lambda body: body[:-30])
    else:
        offer(answers, {name: flipped(content) for name, content in small.items()}, "first")
    with pytest.raises(ConnectionError) as error:
        load_mnist(tmp_path, download=True)
    message = str(error.value)
    assert "could not download train-images-idx3-ubyte.gz" in message
    assert ("truncated" if fault == "truncated" else "SHA-256") in message
    assert "second/train-images-idx3-ubyte.gz: HTTP Error 404" in message
    assert "by hand" in message
    assert list(tmp_path.iterdir()) == []
    assert len(asked) == 2

    offer(answers, small, "second")
    assert_small(load_mnist(tmp_path, download=True), small)
    assert len(list(tmp_path.iterdir())) == 4


def test_an_endless_answer_is_cut_off(small, server, tmp_path):
    answers, _ = server
    for name in small:
        answers[f"/first/{name}.gz"] = (200, {}, bytes(10**6))
    with pytest.raises(ConnectionError, match=r"does not end after \d+ bytes"):
        load_mnist(tmp_path, download=True)
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_refuses_or_hangs_is_reported(tmp_path, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as silent, socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        ports = closed.getsockname()[1], silent.getsockname()[1]
        mirrors = tuple(f"http://127.0.0.1:{port}/" for port in ports)
        monkeypatch.setattr(mnist, "MIRRORS", mirrors)
        monkeypatch.setattr(mnist, "_TIMEOUT_SECONDS", 0.2)
        with pytest.raises(ConnectionError, match=r"(?i)refused.*timed out"):
            load_mnist(tmp_path, download=True)
    assert list(tmp_path.iterdir()) == []


def test_an_interrupted_download_leaves_nothing_behind(small, server, tmp_path):
    answers, _ = server
    offer(answers, small, "first")

    def interrupt(_name, done, _total):
        if done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        load_mnist(tmp_path, download=True, progress=interrupt)
    assert list(tmp_path.iterdir()) == []


def test_mirrors_are_encrypted_addresses_of_folders():
    assert len(MIRRORS) >= 2
    for mirror in MIRRORS:
        assert mirror.startswith("https://")
        assert mirror.endswith("/")


def test_what_a_killed_download_left_is_gone_after_the_next_call(small, folder):
    with unfinished(folder) as file:
        killed = Path(file.name)
        killed.with_name(f"{killed.name[:-9]}abcd.part").write_bytes(b"half of it")
        assert_small(load_mnist(folder), small)
        # That of a download that goes on is let alone.
        assert [path for path in folder.iterdir() if path.suffix == ".part"] == [killed]
