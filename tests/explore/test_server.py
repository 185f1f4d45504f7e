"""The explorer's server answers for its own files, to its own page, and to nothing else."""

import http.client
import json
import signal
import socket
import subprocess
import sys
import threading

import pytest

from mnist1d.explore import STATIC, Explorer, find_files, write_site
from mnist1d.explore.site import MIME_TYPES


@pytest.fixture(scope="module")
def server():
    with Explorer() as started:
        threading.Thread(target=started.serve_forever, daemon=True).start()
        yield started
        started.shutdown()


def ask(server, target, method="GET", host=None):
    """Return the answer to a request, sent as it is."""
    port = server.server_address[1]
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.putrequest(method, target, skip_host=True)
        connection.putheader("Host", host or f"127.0.0.1:{port}")
        connection.endheaders()
        answer = connection.getresponse()
        return answer, answer.read()
    finally:
        connection.close()


def raw(server, request):
    """Return what the server says to any bytes."""
    with socket.create_connection(server.server_address[:2], timeout=10) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(65536), b""))


def test_it_listens_on_this_machine_alone(server):
    assert server.server_address[0] == "127.0.0.1"
    assert server.url == f"http://127.0.0.1:{server.server_address[1]}/"


def test_every_file_of_the_page_is_served_as_it_is_with_its_type(server):
    for name, path in find_files().items():
        answer, content = ask(server, f"/{name}")
        assert answer.status == 200
        assert content == path.read_bytes()
        assert answer.headers["Content-Type"] == MIME_TYPES[path.suffix]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert ask(server, "/")[1] == (STATIC / "index.html").read_bytes()
    assert ask(server, "/?x=1")[1] == (STATIC / "index.html").read_bytes()


def test_head_has_the_headers_of_get_and_no_content(server):
    answer, content = ask(server, "/index.html", "HEAD")
    assert (answer.status, content) == (200, b"")
    assert int(answer.headers["Content-Length"]) == (STATIC / "index.html").stat().st_size


def test_the_policy_allows_no_inline_script_and_no_other_origin(server):
    policy = ask(server, "/")[0].headers["Content-Security-Policy"]
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    assert set(rules["script-src"].split()) == {"'self'", "'wasm-unsafe-eval'"}
    assert "unsafe-inline" not in policy
    assert "http" not in policy.replace("https:", "http:")
    # A static site has no headers: the page itself says the same.
    page = (STATIC / "index.html").read_text("utf-8")
    for name, rule in rules.items():
        assert name == "frame-ancestors" or f"{name} {rule}" in page


@pytest.mark.parametrize(
    "target",
    [
        "/../server.py",
        "/app/../../server.py",
        "/%2e%2e/server.py",
        "/..%2fserver.py",
        "/%2e%2e%2f%2e%2e%2f%2e%2e%2fetc/passwd",
        "/..\\server.py",
        "/app%5c..%5c..%5cserver.py",
        "//etc/passwd",
        "/etc/passwd",
        "/app",
        "/app/",
        "/vendor/",
        "/index.html/",
        "/INDEX.HTML",
        "/index.html%00",
        "/index.html%00.js",
        "/.git/config",
        "/%ff%fe",
        "/a" * 3000,
        "index.html",
        "http://127.0.0.1/../server.py",
        "*",
    ],
)
def test_nothing_but_the_files_is_found(server, target):
    answer, content = ask(server, target)
    assert answer.status == 404
    assert content == b"404 Not Found\n"


@pytest.mark.parametrize(
    "method", ["POST", "PUT", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PATCH"]
)
def test_other_methods_are_refused(server, method):
    answer, content = ask(server, "/index.html", method)
    assert answer.status == 501
    assert b"html" not in content
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:80",
        "127.0.0.1",
        "localhost",
        "127.0.0.1.evil.example",
        "[::1]",
    ],
)
def test_a_page_under_another_name_gets_nothing(server, host):
    answer, content = ask(server, "/", host=host)
    assert answer.status == 421
    assert b"<" not in content


def test_this_machines_names_are_accepted(server):
    port = server.server_address[1]
    for host in (f"127.0.0.1:{port}", f"localhost:{port}", f"LOCALHOST:{port}"):
        assert ask(server, "/", host=host)[0].status == 200


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: evil.example\r\n\r\n",
        b"GET /\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 200 + b"\r\n",
        b"",
    ],
)
def test_what_is_no_request_of_the_page_is_refused_and_the_server_lives(server, request_bytes):
    assert b"<!doctype" not in raw(server, request_bytes)
    assert ask(server, "/")[0].status == 200


def test_links_out_of_the_folder_hidden_files_and_sources_are_not_served(tmp_path):
    folder = tmp_path / "page"
    folder.mkdir()
    (folder / "index.html").write_text("page", "utf-8")
    (folder / "kernel.wat").write_text("(module)", "utf-8")
    (folder / ".secret.js").write_text("secret", "utf-8")
    (tmp_path / "other.js").write_text("other", "utf-8")
    try:
        (folder / "link.js").symlink_to(tmp_path / "other.js")
        (folder / "all").symlink_to(tmp_path, target_is_directory=True)
    except OSError:
        pytest.skip("links cannot be made here")
    assert list(find_files(folder)) == ["index.html"]


def test_a_file_that_has_gone_is_not_found(tmp_path):
    (tmp_path / "index.html").write_text("page", "utf-8")
    with Explorer(folder=tmp_path) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        (tmp_path / "index.html").unlink()
        assert ask(server, "/")[0].status == 404
        server.shutdown()


def test_a_site_is_the_same_files(tmp_path):
    (tmp_path / "mine.txt").write_text("mine", "utf-8")
    written = write_site(tmp_path)
    files = {path.relative_to(tmp_path).as_posix(): path.read_bytes() for path in written}
    assert files == {name: path.read_bytes() for name, path in find_files().items()}
    assert (tmp_path / "mine.txt").read_text("utf-8") == "mine"


@pytest.mark.slow
def test_the_command_needs_no_package_but_numpy(tmp_path):
    program = (
        "import importlib.util, sys; find = importlib.util.find_spec\n"
        "others = ('tyro', 'rich', 'scipy', 'xarray', 'jax')\n"
        "importlib.util.find_spec = lambda name, *a: None if name in others else find(name, *a)\n"
        "sys.modules.update(dict.fromkeys(others))\n"
        "sys.argv = ['mnist1d', *sys.argv[1:]]\n"
        "from mnist1d.cli import main; main()"
    )

    def run(*arguments):
        command = [sys.executable, "-c", program, "explore", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    done = run("--out", str(tmp_path / "site"), "--json")
    assert (done.returncode, done.stderr) == (0, "")
    assert len(json.loads(done.stdout)["files"]) == len(find_files())
    for arguments, said in (
        (["--port", "65536"], "--port must be from 0 to 65535, not 65536"),
        (["--port", "many"], "invalid int value: 'many'"),
        (["--prot", "8000"], "unrecognized arguments: --prot 8000"),
        (["--out", str(tmp_path), "--no-browser"], "leave --port and --no-browser out"),
        (["--out", str(tmp_path / "site" / "index.html")], "a file is in a folder's place"),
    ):
        done = run(*arguments)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith("mnist1d: ")
        assert said in done.stderr
        assert len(done.stderr.splitlines()) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="no such signal there")
def test_the_command_serves_until_it_is_interrupted():
    command = [sys.executable, "-m", "mnist1d", "explore", "--no-browser", "--json"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        url = running.stderr.readline().strip()
        assert running.stderr.readline() == "mnist1d: the explorer runs until Ctrl-C\n"
        connection = http.client.HTTPConnection(url.removeprefix("http://").strip("/"), timeout=10)
        connection.request("GET", "/")
        assert connection.getresponse().status == 200
        connection.close()
        running.send_signal(signal.SIGINT)
        out, error = running.communicate(timeout=20)
    assert (running.returncode, error) == (0, "")
    assert json.loads(out) == {"command": "explore", "address": url, "files": []}
