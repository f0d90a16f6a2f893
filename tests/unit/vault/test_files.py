"""Files that neither a kill nor a power cut leaves by half."""

import os
import stat
from pathlib import Path

import pytest

from gpt4o_image.vault.files import move, replace_durably


@pytest.fixture
def synced(monkeypatch):
    """What reached the disk, in order: "file" or "folder", and "renamed"."""
    done = []
    fsync, replace = os.fsync, Path.replace

    def sync(handle):
        done.append("folder" if stat.S_ISDIR(os.fstat(handle).st_mode) else "file")
        fsync(handle)

    def rename(path, target):
        done.append("renamed")
        return replace(path, target)

    monkeypatch.setattr(os, "fsync", sync)
    monkeypatch.setattr(Path, "replace", rename)
    return done


@pytest.mark.skipif(os.name != "posix", reason="Windows cannot sync a folder")
def test_the_bytes_reach_the_disk_before_their_name_and_the_name_after(tmp_path, synced):
    replace_durably(tmp_path / "a", b"bytes")
    assert synced == ["file", "renamed", "folder"]


def test_the_folder_is_made(tmp_path):
    replace_durably(tmp_path / "b" / "c" / "a", b"bytes")
    assert (tmp_path / "b" / "c" / "a").read_bytes() == b"bytes"


def test_what_was_there_stays_where_the_new_cannot_be_written(tmp_path, monkeypatch):
    replace_durably(tmp_path / "a", b"old")
    monkeypatch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(OSError, match="No space"):
        replace_durably(tmp_path / "a", b"new")
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert (tmp_path / "a").read_bytes() == b"old"


def test_a_rename_that_stays_refused_is_an_error(tmp_path, monkeypatch):
    tried = []

    def refused(*_):
        tried.append(1)
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("gpt4o_image.vault.files._RENAME_PAUSES_S", (0.0, 0.0))
    monkeypatch.setattr(Path, "replace", refused)
    with pytest.raises(PermissionError):
        move(tmp_path / "a", tmp_path / "b")
    assert len(tried) == 3
