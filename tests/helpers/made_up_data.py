"""Small made-up data sets in the published layouts, which networks can learn something from."""

import struct

import numpy as np

CIFAR10_FILES = [*(f"data_batch_{i}.bin" for i in range(1, 6)), "test_batch.bin"]


def put_fashion(root, train=40, test=20, classes=10, size=28):
    """Noise, brighter the higher the label."""
    rng = np.random.default_rng(0)
    folder = root / "fashion-mnist"
    folder.mkdir(parents=True, exist_ok=True)
    for part, n in (("train", train), ("t10k", test)):
        labels = (np.arange(n) % classes).astype(np.uint8)
        images = (rng.integers(0, 100, (n, size, size)) + 15 * labels[:, None, None]).astype(np.uint8)
        header = struct.pack(">4B3I", 0, 0, 8, 3, n, size, size)
        (folder / f"{part}-images-idx3-ubyte").write_bytes(header + images.tobytes())
        (folder / f"{part}-labels-idx1-ubyte").write_bytes(
            struct.pack(">4BI", 0, 0, 8, 1, n) + labels.tobytes()
        )


def put_cifar(root, name, files, label_bytes, n=10):
    """Records of label bytes and pixels below 10."""
    rng = np.random.default_rng(1)
    folder = root / name
    folder.mkdir()
    for file in files:
        records = rng.integers(0, 10, (n, label_bytes + 3072), np.uint8)
        (folder / file).write_bytes(records.tobytes())


def put_ptb(root, lines=(200, 30, 40)):
    """Lines of nine of twenty words; each word is likely to be followed by its successor."""
    folder = root / "ptb"
    folder.mkdir()
    for seed, (name, count) in enumerate(zip(("train", "valid", "test"), lines, strict=True)):
        rng = np.random.default_rng(seed)
        steps = np.where(rng.random((count, 9)) < 0.8, 1, rng.integers(0, 20, (count, 9)))
        numbers = np.cumsum(steps, axis=1) % 20
        text = "\n".join(" ".join(f"w{i}" for i in row) for row in numbers) + "\n"
        (folder / f"ptb.{name}.txt").write_text(text)
    return folder


def put_image_sets(root):
    """Small sets of every kind of images."""
    put_fashion(root)
    put_cifar(root, "cifar10", CIFAR10_FILES, 1)
    put_cifar(root, "cifar100", ["train.bin", "test.bin"], 2)
