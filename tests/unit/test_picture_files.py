"""Names that are never taken twice, and folders that are tried."""

import os
import threading

import pytest

from gpt4o_image import picture_files
from gpt4o_image.errors import GPT4oImageError
from gpt4o_image.picture_files import check_folder, save_named, save_new


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_names_count_up_whatever_their_ending(tmp_path):
    for end in ("0007.jpg", ".png", "x9.png", "\u0662.png"):
        (tmp_path / f"gpt4o-image-{end}").write_bytes(b"mine")
    assert save_new(tmp_path, ".png", b"1").name == "gpt4o-image-0008.png"
    assert save_new(tmp_path / "new" / "folder", ".png", b"2").name == "gpt4o-image-0001.png"


def test_a_given_name_is_counted_on_unless_it_holds_the_same(tmp_path):
    assert save_named(tmp_path, "fox", ".png", b"1").name == "fox.png"
    assert save_named(tmp_path, "fox", ".png", b"2").name == "fox-2.png"
    assert save_named(tmp_path, "fox", ".png", b"3").name == "fox-3.png"
    assert save_named(tmp_path, "fox", ".png", b"2").name == "fox-2.png"
    (tmp_path / "cat.png").mkdir()
    assert save_named(tmp_path, "cat", ".png", b"1").name == "cat-2.png"
    assert names(tmp_path) == ["cat-2.png", "cat.png", "fox-2.png", "fox-3.png", "fox.png"]


def test_many_at_once_get_a_name_each(tmp_path):
    threads = [threading.Thread(target=save_new, args=(tmp_path, ".png", b"%d" % n)) for n in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(path.read_bytes() for path in tmp_path.iterdir()) == sorted(b"%d" % n for n in range(16))


def test_a_full_disk_leaves_no_half(tmp_path, monkeypatch):
    class Full:
        def __init__(self, file):
            self.file = file

        def __enter__(self):
            return self

        def __exit__(self, *_):
            self.file.close()

        def write(self, data):
            self.file.write(data[:3])
            raise OSError(28, "No space left on device")

    opened = picture_files.Path.open
    monkeypatch.setattr(picture_files.Path, "open", lambda path, mode: Full(opened(path, mode)))
    with pytest.raises(OSError, match="No space left"):
        save_new(tmp_path, ".png", b"12345")
    assert names(tmp_path) == []


def test_a_good_folder_is_made_and_left_empty(tmp_path):
    check_folder(tmp_path / "a" / "b")
    assert names(tmp_path / "a" / "b") == []


def bad_folders(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    yield tmp_path / "file"
    yield tmp_path / "file" / "below"
    yield tmp_path / "link"
    yield tmp_path / ("x" * 300)


@pytest.mark.skipif(os.name != "posix", reason="links need rights on Windows")
def test_a_folder_that_takes_no_file_is_known_before(tmp_path):
    for folder in bad_folders(tmp_path):
        with pytest.raises(GPT4oImageError, match="No file can be written to the folder") as caught:
            check_folder(folder)
        assert (caught.value.kind, caught.value.billed) == ("config", "no")
        assert str(folder) in caught.value.message


def test_a_folder_without_the_right_to_write_is_known_before(tmp_path, monkeypatch):
    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(picture_files.Path, "write_bytes", refuse)
    with pytest.raises(GPT4oImageError, match="Permission denied"):
        check_folder(tmp_path)
