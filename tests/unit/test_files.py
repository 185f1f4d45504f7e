"""Files: written whole or not at all; unfinished ones removed; nothing that has no end is read."""

import errno
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from mnist1d.dataset.atomic import (
    atomic_write,
    check_regular,
    check_writable,
    remove_unfinished,
    unfinished,
)

pytestmark = pytest.mark.skipif(os.name != "posix", reason="no pipes and devices here")


def pipe(path):
    os.mkfifo(path)


def listening(path):
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))


def zero(path):
    path.symlink_to("/dev/zero")


def full(path):
    path.symlink_to("/dev/full")


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def special(make, tmp_path, monkeypatch):
    # Addresses of sockets are short.
    monkeypatch.chdir(tmp_path)
    make(Path("special"))
    return tmp_path / "special"


@pytest.mark.parametrize("make", [pipe, listening, zero, full])
def test_what_is_no_regular_file_is_refused_at_once_and_stays(special):
    mode = special.lstat().st_mode
    with pytest.raises(OSError, match="this is not a regular file") as refusal:
        check_regular(special)
    assert refusal.value.filename == str(special)
    with (
        pytest.raises(OSError, match="this is not a regular file"),
        atomic_write(special) as file,
    ):
        file.write(b"x")
    with pytest.raises(OSError, match="this is not a regular file"):
        check_writable(special.parent, "other", special.name)
    assert special.lstat().st_mode == mode
    assert names(special.parent) == [special.name]


def test_folders_and_loops_are_named(tmp_path):
    with pytest.raises(IsADirectoryError, match="this is a folder"):
        check_regular(tmp_path)
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(OSError, match="loop"):
        check_regular(tmp_path / "loop")


def test_regular_files_links_to_them_and_nothing_are_let_through(tmp_path):
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("file")
    for name in ("file", "link", "nothing", "file/below"):
        check_regular(tmp_path / name)
    with atomic_write(tmp_path / "link") as file:
        file.write(b"through")
    assert (tmp_path / "file").read_bytes() == b"through"
    assert (tmp_path / "link").is_symlink()


def test_unfinished_files_of_living_processes_are_let_alone(tmp_path):
    program = (
        "import pathlib, sys\n"
        "from mnist1d.dataset.atomic import atomic_write\n"
        "with atomic_write(sys.argv[1]) as file:\n"
        "    file.write(b'half'); file.flush()\n"
        "    print('begun', flush=True); sys.stdin.read()\n"
        "    file.write(b' and half')"
    )

    def start():
        process = subprocess.Popen(
            [sys.executable, "-c", program, str(tmp_path / "file")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        process.stdout.readline()
        return process

    killed = start()
    killed.kill()
    killed.communicate()
    (left,) = tmp_path.iterdir()
    other = tmp_path / "other.part"
    other.touch()
    writer = start()
    remove_unfinished(tmp_path)
    assert not left.exists()
    assert other.exists()
    assert len(names(tmp_path)) == 2
    writer.communicate()
    assert writer.returncode == 0
    assert (tmp_path / "file").read_bytes() == b"half and half"
    assert names(tmp_path) == ["file", "other.part"]


def test_what_another_machine_may_be_writing_is_let_alone_for_a_day(tmp_path):
    fresh, old = tmp_path / ".0123456789abcdef.part", tmp_path / ".fedcba9876543210.part"
    fresh.touch()
    old.touch()
    os.utime(old, (0, 0))
    remove_unfinished(tmp_path)
    assert names(tmp_path) == [fresh.name]


def test_the_first_write_of_a_process_removes_what_killed_ones_left(tmp_path):
    program = (
        "import os, sys; from mnist1d.dataset.atomic import atomic_write\n"
        "with atomic_write(sys.argv[1]) as file:\n"
        "    file.write(b'half')\n"
        "    if sys.argv[2:]: os.kill(os.getpid(), 9)"
    )
    for ending in ("killed",), ():
        command = [sys.executable, "-c", program, str(tmp_path / "file"), *ending]
        subprocess.run(command, check=not ending)
        assert len(names(tmp_path)) == 1
    assert names(tmp_path) == ["file"]


def test_a_file_that_is_removed_before_it_is_locked_is_begun_again(tmp_path, monkeypatch):
    from mnist1d.dataset import atomic

    lock, taken = atomic._lock, []

    def late(file):
        if not taken:
            taken.append(file.name)
            Path(file.name).unlink()
        return lock(file)

    monkeypatch.setattr(atomic, "_lock", late)
    with atomic_write(tmp_path / "file") as file:
        file.write(b"all")
    assert taken
    assert (tmp_path / "file").read_bytes() == b"all"


def test_where_files_cannot_be_locked_they_are_written_and_none_is_removed(tmp_path, monkeypatch):
    from mnist1d.dataset import atomic

    def refuse(*_):
        raise OSError(errno.ENOLCK, "no locks available")

    monkeypatch.setattr(atomic.fcntl, "flock", refuse)
    with unfinished(tmp_path) as file:
        remove_unfinished(tmp_path)
        assert Path(file.name).exists()
    assert names(tmp_path) == []
