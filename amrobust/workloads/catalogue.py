"""The data sets amrobust can read: their files with the publishers' digests, and where the publishers offer them."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field

from amrobust.errors import UserError

MEGABYTE = 1_000_000


@dataclass(frozen=True)
class Source:
    """One file that a publisher offers for download."""

    url: str
    md5: str
    bytes: int

    @property
    def name(self) -> str:
        """The file's name, under which it is kept."""
        return self.url.rpartition("/")[2]


@dataclass(frozen=True)
class DataSet:
    """A data set: what a reader needs of it, and where it comes from.

    ``files`` maps each file to the digest of its published content ("md5:…" or "sha1:…"), uncompressed. A file may lie in
    ``folder`` of the data directory as it is, gzipped (name.gz), below ``inner``, or inside one of ``archives``.
    """

    name: str
    title: str
    folder: str
    files: Mapping[str, str]
    limit: int
    """No file's content is longer, in bytes."""
    sources: tuple[Source, ...]
    archives: tuple[str, ...] = ()
    inner: str = ""
    copies: Mapping[str, str] = field(default_factory=dict)
    """Names of known copies that are not the publisher's bytes, by the digest of their arrays."""

    @property
    def megabytes(self) -> int:
        """Size of the download, rounded up."""
        return -(-sum(source.bytes for source in self.sources) // MEGABYTE)


_FASHION = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"
_TORONTO = "https://www.cs.toronto.edu/~kriz/"
_LIBSVM = "https://www.csie.ntu.edu.tw/~cjlin/libsvmtools/datasets/binary/"


def _libsvm(name: str, rows: int, md5: str, size: int) -> DataSet:
    return DataSet(
        name=name,
        title=f"Adult {name}, {rows:,} rows (LIBSVM)",
        folder="libsvm",
        files={name: f"md5:{md5}"},
        limit=100 * MEGABYTE,
        sources=(Source(_LIBSVM + name, md5, size),),
    )


_SETS = (
    DataSet(
        name="fashion-mnist",
        title="Fashion-MNIST, 60,000 + 10,000 grey images of 28 x 28 (Xiao et al., 2017), MIT licence",
        folder="fashion-mnist",
        files={
            "train-images-idx3-ubyte": "md5:f4a8712d7a061bf5bd6d2ca38dc4d50a",
            "train-labels-idx1-ubyte": "md5:9018921c3c673c538a1fc5bad174d6f9",
            "t10k-images-idx3-ubyte": "md5:8181f5470baa50b63fa0f6fddb340f0a",
            "t10k-labels-idx1-ubyte": "md5:15d484375f8d13e6eb1aabb0c3f46965",
        },
        limit=100 * MEGABYTE,
        sources=(
            Source(_FASHION + "train-images-idx3-ubyte.gz", "8d4fb7e6c68d591d4c3dfef9ec88bf0d", 26_421_880),
            Source(_FASHION + "train-labels-idx1-ubyte.gz", "25c81989df183df01b3e8a0aad5dffbe", 29_515),
            Source(_FASHION + "t10k-images-idx3-ubyte.gz", "bef4ecab320f06d8554ea6380940ec79", 4_422_102),
            Source(_FASHION + "t10k-labels-idx1-ubyte.gz", "bb300cfdad3c16e7a12a480ee83cd310", 5_148),
        ),
    ),
    DataSet(
        name="cifar10",
        title="CIFAR-10, 50,000 + 10,000 colour images of 32 x 32, binary version (Krizhevsky, 2009)",
        folder="cifar10",
        files={
            "data_batch_1.bin": "sha1:aadd24acce27caa71bf4b10992e9e7b2d74c2540",
            "data_batch_2.bin": "sha1:c0ba65cce70568cd57b4e03e9ac8d2a5367c1795",
            "data_batch_3.bin": "sha1:1dd00a74ab1d17a6e7d73e185b69dbf31242f295",
            "data_batch_4.bin": "sha1:aab85764eb3584312d3c7f65fd2fd016e36a258e",
            "data_batch_5.bin": "sha1:26e2849e66a845b7f1e4614ae70f4889ae604628",
            "test_batch.bin": "sha1:67eb016db431130d61cd03c7ad570b013799c88c",
        },
        limit=10_000 * 3073,
        sources=(
            Source(_TORONTO + "cifar-10-binary.tar.gz", "c32a1d4ab5d03f1284b67883e8d87530", 170_052_171),
        ),
        archives=("cifar-10-binary.tar.gz",),
        inner="cifar-10-batches-bin",
        copies={
            "aca9659d926300cdf15d8995cf528a51d1932ad0f87b47776e2caa0e68140861": (
                "CIFAR-10, rebuilt: the official split in another order, 111 of its 60,000 images not bit-exact"
            )
        },
    ),
    DataSet(
        name="cifar100",
        title="CIFAR-100, 50,000 + 10,000 colour images of 32 x 32, binary version (Krizhevsky, 2009)",
        folder="cifar100",
        files={
            "train.bin": "sha1:e207cd2e05b73b1393c74c7f5e7bea451d63e08e",
            "test.bin": "sha1:8fb6623e830365ff53cf14adec797474f5478006",
        },
        limit=50_000 * 3074,
        sources=(
            Source(_TORONTO + "cifar-100-binary.tar.gz", "03b5dce01913d631647c71ecec9e9cb8", 168_513_733),
        ),
        archives=("cifar-100-binary.tar.gz",),
        inner="cifar-100-binary",
    ),
    DataSet(
        name="ptb",
        title="Penn Treebank, 10,000 words (preprocessed by Mikolov); licensed to researchers, not for redistribution",
        folder="ptb",
        files={
            "ptb.train.txt": "md5:f26c4b92c5fdc7b3f8c7cdcb991d8420",
            "ptb.valid.txt": "md5:aa0affc06ff7c36e977d7cd49e3839bf",
            "ptb.test.txt": "md5:8b80168b89c18661a38ef683c0dc3721",
        },
        limit=100 * MEGABYTE,
        sources=(
            Source(
                "http://www.fit.vutbr.cz/~imikolov/rnnlm/simple-examples.tgz",
                "30177ea32e27c525793142b6bf2c8e2d",
                34_869_662,
            ),
        ),
        archives=("ptb.zip", "simple-examples.tgz"),
        inner="simple-examples/data",
    ),
    _libsvm("a1a", 1_605, "b62d93d768db2423dd06fadb24ea0c1f", 114_818),
    _libsvm("a5a", 6_414, "556ff24aafeb30297763c0dcb0feeb4f", 458_892),
    _libsvm("a9a", 32_561, "fb3596510d780aaf76a06dc721d49662", 2_329_875),
)

DATA_SETS: Mapping[str, DataSet] = {entry.name: entry for entry in _SETS}
BY_HAND: Mapping[str, str] = {
    "imagenet": "get ILSVRC2012 from https://image-net.org (a licence is needed, so nothing is fetched) and put its JPEGs into "
    "imagenet/train/CLASS/ and imagenet/val/CLASS/ of the data directory (--data-dir or AMROBUST_DATA)"
}
"""What is to be done about a set that no command fetches."""


def get(name: str) -> DataSet:
    """The data set called ``name``; UserError with the nearest if there is none, or what to do about one put there by hand."""
    if name in BY_HAND:
        raise UserError(f"{name}: {BY_HAND[name]}")
    if name not in DATA_SETS:
        near = difflib.get_close_matches(name, DATA_SETS, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"choose one of {', '.join(DATA_SETS)}"
        raise UserError(f"no data set is called {name!r}: {hint}")
    return DATA_SETS[name]
