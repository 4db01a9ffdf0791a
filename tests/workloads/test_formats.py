"""Readers of formats: small files made by hand are read exactly, everything else is refused in one line."""

import struct
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from amrobust.errors import UserError
from amrobust.workloads import formats
from amrobust.workloads.formats import parse_cifar, parse_idx, parse_text, scan_folders


def idx_bytes(*shape, payload=None):
    body = bytes(range(int(np.prod(shape)))) if payload is None else payload
    return struct.pack(f">4B{len(shape)}I", 0, 0, 8, len(shape), *shape) + body


class TestIdx:
    def test_axes_are_read_in_order(self):
        assert parse_idx(idx_bytes(2, 2, 3), "f", 3).tolist() == [
            [[0, 1, 2], [3, 4, 5]],
            [[6, 7, 8], [9, 10, 11]],
        ]
        assert parse_idx(idx_bytes(4), "f", 1).tolist() == [0, 1, 2, 3]

    @pytest.mark.parametrize(
        "content",
        [
            b"",
            idx_bytes(4),
            idx_bytes(2, 2, 3)[:-1],
            idx_bytes(2, 2, 3) + b"x",
            idx_bytes(2**32 - 1, 2**32 - 1, 2**32 - 1, payload=b"x"),
            b"\x00\x00\x0d\x03" + bytes(12),
        ],
        ids=["empty", "other axes", "short", "long", "huge", "floats"],
    )
    def test_anything_else_is_refused(self, content):
        with pytest.raises(UserError, match="f "):
            parse_idx(content, "f", 3)

    @given(st.binary(max_size=100))
    def test_no_bytes_raise_anything_else(self, content):
        with suppress(UserError):
            assert parse_idx(content, "f", 1).nbytes == len(content) - 8


class TestCifar:
    def record(self, *labels):
        return bytes(labels) + bytes([1] * 1024 + [2] * 1024 + [3] * 1023 + [4])

    def test_the_planes_are_channels_and_the_last_label_byte_counts(self):
        images, labels = parse_cifar(self.record(7) + self.record(9), "f", 1, 10)
        assert images.shape == (2, 3, 32, 32)
        assert labels.tolist() == [7, 9]
        assert [images[0, c, 0, 0] for c in range(3)] == [1, 2, 3]
        assert images[0, 2, 31, 31] == 4
        images, labels = parse_cifar(self.record(3, 99), "f", 2, 100)
        assert labels.tolist() == [99]
        assert images[0, 0, 0, 0] == 1

    @pytest.mark.parametrize("content", [b"", b"x", bytes(3074), bytes([10]) + bytes(3072)])
    def test_anything_else_is_refused(self, content):
        with pytest.raises(UserError, match="f "):
            parse_cifar(content, "f", 1, 10)


class TestText:
    def test_lines_end_and_words_are_numbered_as_they_appear(self):
        corpus = parse_text([("a", b" the cat \n the <unk> \n\n"), ("b", b"cat dog\n")])
        assert corpus.words == ("the", "cat", "<eos>", "<unk>", "dog")
        assert [t.tolist() for t in corpus.texts] == [[0, 1, 2, 0, 3, 2], [1, 4, 2]]

    @pytest.mark.parametrize("content", [b"", b"\n \n", b"caf\xe9\n"], ids=["empty", "blank", "latin-1"])
    def test_anything_else_is_refused(self, content):
        with pytest.raises(UserError, match="b "):
            parse_text([("a", b"word\n"), ("b", content)])

    def test_too_many_words_are_refused(self, monkeypatch):
        monkeypatch.setattr(formats, "MAX_WORDS", 3)
        with pytest.raises(UserError, match="too many"):
            parse_text([("a", b"a b c d\n")])


class TestImageFolders:
    def make(self, root, **images):
        for name, count in images.items():
            (root / name).mkdir()
            for index in range(count):
                (root / name / f"{index}.JPEG").write_bytes(b"x" * index)

    def test_classes_are_numbered_by_name_and_images_sorted(self, tmp_path):
        self.make(tmp_path, n02=2, n01=1)
        (tmp_path / "n01" / "notes.txt").touch()
        (tmp_path / "README").touch()
        found = scan_folders(tmp_path)
        assert found.classes == ("n01", "n02")
        assert found.labels == (0, 1, 1)
        assert [str(p.relative_to(tmp_path)) for p in found.paths] == [
            "n01/0.JPEG",
            "n02/0.JPEG",
            "n02/1.JPEG",
        ]

    def test_the_digest_is_of_names_and_lengths(self, tmp_path):
        self.make(tmp_path, n01=1)
        before = scan_folders(tmp_path).digest
        assert scan_folders(tmp_path).digest == before
        (tmp_path / "n01" / "0.JPEG").write_bytes(b"longer")
        assert scan_folders(tmp_path).digest != before

    def test_no_classes_and_empty_classes_are_refused(self, tmp_path):
        with pytest.raises(UserError, match="no folders"):
            scan_folders(tmp_path)
        (tmp_path / "n01").mkdir()
        with pytest.raises(UserError, match="no JPEGs"):
            scan_folders(tmp_path)
        with pytest.raises(UserError, match="cannot list"):
            scan_folders(tmp_path / "absent")
