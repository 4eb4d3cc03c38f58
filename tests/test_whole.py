"""Files are written whole or not at all."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from onecycle_cli import OnecycleError
from onecycle_cli.render.output import remove_temporary_files, whole_file

from .conftest import posix

if TYPE_CHECKING:
    from collections.abc import Iterator


def write(path: Path, content: bytes = b"new") -> None:
    with whole_file(path) as stream:
        stream.write(content)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def umask() -> Iterator[None]:
    before = os.umask(0o027)
    yield
    os.umask(before)


def test_a_file_appears_when_the_block_ends(tmp_path: Path) -> None:
    path = tmp_path / "out"
    with whole_file(path) as stream:
        stream.write(b"new")
        assert not path.exists()
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


def test_an_existing_file_stays_until_then(tmp_path: Path) -> None:
    path = tmp_path / "out"
    path.write_bytes(b"old and longer")
    with whole_file(path) as stream:
        stream.write(b"new")
        stream.flush()
        assert path.read_bytes() == b"old and longer"
    assert path.read_bytes() == b"new"


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, OnecycleError])
@pytest.mark.parametrize("old", [b"old", None])
def test_a_failure_leaves_everything_as_it_was(tmp_path: Path, error: type[BaseException], old: bytes | None) -> None:
    path = tmp_path / "out"
    if old is not None:
        path.write_bytes(old)

    def fail() -> None:
        with whole_file(path) as stream:
            stream.write(b"half")
            raise error("no")

    with pytest.raises(error, match="no"):
        fail()
    assert [each.read_bytes() for each in tmp_path.iterdir()] == ([] if old is None else [old])


@posix
@pytest.mark.usefixtures("umask")
def test_a_new_file_has_the_mode_of_any_other(tmp_path: Path) -> None:
    write(tmp_path / "out")
    (tmp_path / "plain").write_bytes(b"")
    assert mode(tmp_path / "out") == mode(tmp_path / "plain") == 0o640
    assert os.umask(0o027) == 0o027


@posix
@pytest.mark.usefixtures("umask")
def test_an_existing_file_keeps_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "out"
    path.write_bytes(b"old")
    path.chmod(0o604)
    write(path)
    assert (path.read_bytes(), mode(path)) == (b"new", 0o604)


@pytest.mark.parametrize("exists", [True, False])
def test_of_a_link_the_target_is_replaced(tmp_path: Path, exists: bool) -> None:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    target, link = folder / "target", tmp_path / "link"
    if exists:
        target.write_bytes(b"old")
    link.symlink_to(target)
    write(link)
    assert link.is_symlink()
    assert target.read_bytes() == b"new"
    assert list(folder.iterdir()) == [target]
    assert list(tmp_path.iterdir()) in ([folder, link], [link, folder])


@posix
def test_what_is_no_file_is_written_to_directly(tmp_path: Path) -> None:
    link = tmp_path / "null"
    link.symlink_to(os.devnull)
    for path in (Path(os.devnull), link):
        write(path)
    assert stat.S_ISCHR(Path(os.devnull).stat().st_mode)
    assert link.is_symlink()


def test_a_named_pipe_gets_the_bytes(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    if sys.platform == "win32":
        pytest.skip("Windows has no named pipes")
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        write(pipe)
        assert os.read(reader, 100) == b"new"
    finally:
        os.close(reader)
    assert stat.S_ISFIFO(pipe.stat().st_mode)


@posix
@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("missing/out", "No such file"),
        ("file/out", "Not a directory"),
        ("folder", "Is a directory"),
        ("x" * 300, "too long"),
    ],
)
def test_a_place_that_cannot_be_written_to_is_named(tmp_path: Path, name: str, reason: str) -> None:
    (tmp_path / "file").write_bytes(b"old")
    (tmp_path / "folder").mkdir()
    path = tmp_path / name
    with pytest.raises(OnecycleError, match=reason) as caught:
        write(path)
    assert str(path) in caught.value.message
    assert caught.value.hint
    assert caught.value.exit_code == 2
    assert sorted(each.name for each in tmp_path.iterdir()) == ["file", "folder"]
    assert list((tmp_path / "folder").iterdir()) == []


def test_a_folder_without_leave_to_write(tmp_path: Path) -> None:
    if sys.platform == "win32" or os.geteuid() == 0:
        pytest.skip("Windows and the superuser may write everywhere")
    tmp_path.chmod(0o555)
    try:
        with pytest.raises(OnecycleError, match="Permission denied"):
            write(tmp_path / "out")
        assert list(tmp_path.iterdir()) == []
    finally:
        tmp_path.chmod(0o755)


def test_a_full_disk_is_an_error() -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("there is no /dev/full here")
    with pytest.raises(OnecycleError, match="No space left"):
        write(full)


def test_a_signal_removes_what_is_being_written(tmp_path: Path) -> None:
    def write_until_the_signal() -> None:
        with whole_file(tmp_path / "out") as stream:
            assert len(list(tmp_path.iterdir())) == 1
            remove_temporary_files()
            assert list(tmp_path.iterdir()) == []
            stream.write(b"new")

    with pytest.raises(OnecycleError):  # it was closed, as Windows does not remove an open file
        write_until_the_signal()
    assert list(tmp_path.iterdir()) == []
