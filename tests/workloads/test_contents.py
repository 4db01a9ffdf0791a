"""A data set's files are read wherever they lie, compared with the published digests, and bounded."""

import gzip
import hashlib
import io
import tarfile
import zipfile

import pytest

from amrobust.errors import UserError
from amrobust.workloads import catalogue, contents, data
from amrobust.workloads.catalogue import DataSet, Source

FILES = {"one.bin": b"first" * 20, "two.bin": b"second" * 20}
SET = DataSet(
    name="made-up",
    title="",
    folder="made",
    files={name: f"sha1:{hashlib.sha1(content).hexdigest()}" for name, content in FILES.items()},
    limit=200,
    sources=(Source("http://127.0.0.1:9/made.tar.gz", "", 3_500_000),),
    archives=("made.zip", "made.tar.gz"),
    inner="inner",
)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """The set's folder in an otherwise empty data directory."""
    monkeypatch.setenv(data.ENVIRONMENT, str(tmp_path))
    (tmp_path / "made").mkdir()
    return tmp_path / "made"


def tar(path, files):
    with tarfile.open(path, "w:gz") as packed:
        for name, content in files.items():
            entry = tarfile.TarInfo(f"./made/{name}")
            entry.size = len(content)
            packed.addfile(entry, io.BytesIO(content))


def zipped(path, files):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in files.items():
            packed.writestr(f"x/{name}", content)


def plain(folder, files):
    for name, content in files.items():
        (folder / name).write_bytes(content)


def gzipped(folder, files):
    for name, content in files.items():
        (folder / f"{name}.gz").write_bytes(gzip.compress(content))


@pytest.mark.parametrize(
    "put",
    [
        plain,
        gzipped,
        lambda folder, files: plain(folder.parent, files),
        lambda folder, files: [(folder / "inner").mkdir(), plain(folder / "inner", files)],
        lambda folder, files: tar(folder / "made.tar.gz", files),
        lambda folder, files: zipped(folder / "made.zip", files),
    ],
    ids=["plain", "gzip", "no folder", "inner folder", "tar", "zip"],
)
def test_the_files_are_found(folder, put):
    put(folder, FILES)
    found = contents.read(SET)
    assert found == contents.Contents(FILES, ())
    assert list(found.files) == list(FILES)


def test_an_archive_in_another_order_changes_nothing(folder):
    zipped(folder / "made.zip", dict(reversed(FILES.items())))
    assert list(contents.read(SET).files) == list(FILES)


def test_other_bytes_are_accepted_and_named(folder):
    plain(folder, FILES | {"two.bin": b"other"})
    assert contents.read(SET).unofficial == ("two.bin",)


def test_what_is_missing_is_said_with_the_hint(folder):
    plain(folder, {"one.bin": b""})
    with pytest.raises(UserError) as caught:
        contents.read(SET)
    for text in (
        "two.bin is not in",
        str(folder),
        "amrobust data fetch made-up",
        "4 MB",
        "http://127.0.0.1:9/",
    ):
        assert text in str(caught.value)


@pytest.mark.parametrize(
    "put",
    [
        lambda folder: plain(folder, FILES | {"two.bin": b"x" * 201}),
        lambda folder: gzipped(folder, FILES | {"two.bin": b"x" * 10_000_000}),
        lambda folder: zipped(folder / "made.zip", FILES | {"two.bin": b"x" * 10_000_000}),
        lambda folder: tar(folder / "made.tar.gz", FILES | {"two.bin": b"x" * 10_000_000}),
    ],
    ids=["plain", "gzip", "zip", "tar"],
)
def test_what_is_too_long_is_refused_unread(folder, put):
    put(folder)
    with pytest.raises(UserError, match="more than 200 bytes"):
        contents.read(SET)


def cut(path):
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 3])


def wreck(folder):
    (folder / "made.zip").write_bytes(b"PK\x03\x04 and nothing else")


@pytest.mark.parametrize(
    "put",
    [
        lambda folder: [gzipped(folder, FILES), cut(folder / "two.bin.gz")],
        lambda folder: [tar(folder / "made.tar.gz", FILES), cut(folder / "made.tar.gz")],
        lambda folder: [zipped(folder / "made.zip", FILES), cut(folder / "made.zip")],
        wreck,
        lambda folder: (folder / "made.tar.gz").write_bytes(gzip.compress(b"no tar")),
        lambda folder: (folder / "made.tar.gz").write_bytes(b""),
        lambda folder: (folder / "one.bin").mkdir(),
        lambda folder: tar(folder / "made.tar.gz", {"one.bin": b"first"}),
    ],
    ids=["cut gzip", "cut tar", "cut zip", "no zip", "no tar", "empty", "a folder", "one file missing"],
)
def test_damage_is_one_line(folder, put):
    put(folder)
    with pytest.raises(UserError) as caught:
        contents.read(SET)
    assert "\n" not in str(caught.value)


def test_a_link_in_an_archive_is_not_followed(folder, tmp_path):
    (tmp_path / "secret").write_bytes(b"secret")
    with tarfile.open(folder / "made.tar.gz", "w:gz") as packed:
        for name in FILES:
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname = tarfile.SYMTYPE, str(tmp_path / "secret")
            packed.addfile(entry)
    with pytest.raises(UserError, match=r"holds no one\.bin"):
        contents.read(SET)


@pytest.mark.parametrize("name", ["fashion-mnist", "ptb", "a5a", "a1a", "a9a"])
def test_the_real_files_are_the_publishers(shared, monkeypatch, name):
    monkeypatch.setenv(data.ENVIRONMENT, str(shared(f"data/{catalogue.get(name).folder}").parent))
    assert contents.read(catalogue.get(name)).unofficial == ()


def test_an_unknown_set_names_the_nearest():
    with pytest.raises(UserError, match="did you mean 'cifar10'"):
        catalogue.get("cifar-10")
