"""Stores and logs of other tools made by code, byte by byte where they are binary: nothing here uses the importers."""

import json
import sqlite3
import struct
import zlib

import numpy as np

METHODS = ("adam", "sgd")
SEEDS = 5
STEPS = 6


def value(method, seed, step, metric="val_acc"):
    """A made-up accuracy or loss, the same for every tool."""
    spread = 1.0 if method == "adam" else 3.0
    noise = np.random.default_rng([METHODS.index(method), seed, step]).normal()
    return 50 + 5 * step + spread * noise if metric == "val_acc" else 1 / step + 0.01 * spread * noise


def curves(method, metric="val_acc"):
    """(seeds, steps) of :func:`value`."""
    return np.array([[value(method, s, t, metric) for t in range(1, STEPS + 1)] for s in range(SEEDS)])


def grid():
    """Every (method, seed)."""
    return [(method, seed) for method in METHODS for seed in range(SEEDS)]


def tidy_csv(path):
    lines = ["method,seed,epoch,val_acc,val_loss"]
    for method, seed in grid():
        for t in range(1, STEPS + 1):
            lines.append(
                f"{method},{seed},{t},{value(method, seed, t)!r},{value(method, seed, t, 'val_loss')!r}"
            )
    path.write_text("\n".join(lines) + "\n")
    return path


def lightning(root):
    """CSVLogger's folders: two sparse rows per epoch, training and validation."""
    for version, (method, seed) in enumerate(grid()):
        folder = root / f"version_{version}"
        folder.mkdir(parents=True)
        (folder / "hparams.yaml").write_text(
            f"optimizer: {method}\nseed: {seed}\nlr: 0.1\nmodel: !!python/object:os.system {{}}\n"
        )
        rows = ["epoch,step,train_loss,val_acc,val_loss"]
        for t in range(1, STEPS + 1):
            rows.append(
                f"{t - 1},{10 * t - 1},,{value(method, seed, t)!r},{value(method, seed, t, 'val_loss')!r}"
            )
            rows.append(f"{t - 1},{10 * t - 1},{1 / t},,")
        (folder / "metrics.csv").write_text("\n".join(rows) + "\n")
    return root


def mlflow_files(root):
    experiment = root / "123"
    experiment.mkdir(parents=True)
    (experiment / "meta.yaml").write_text("experiment_id: '123'\nlifecycle_stage: active\nname: digits\n")
    for place, (method, seed) in enumerate(grid()):
        run = experiment / f"{place:032x}"
        for folder in ("params", "tags", "metrics"):
            (run / folder).mkdir(parents=True)
        (run / "meta.yaml").write_text(
            f"run_id: {place:032x}\nrun_name: r{place}\nlifecycle_stage: active\nstart_time: {place}\nstatus: 3\n"
        )
        (run / "params" / "optimizer").write_text(method)
        (run / "params" / "seed").write_text(str(seed))
        (run / "tags" / "mlflow.user").write_text("nobody")
        for metric in ("val_acc", "val_loss"):
            lines = [f"{1000 + t} {value(method, seed, t, metric)!r} {t}" for t in range(1, STEPS + 1)]
            (run / "metrics" / metric).write_text("\n".join(lines) + "\n")
    return root


def mlflow_database(path):
    with sqlite3.connect(path) as db:
        db.executescript(
            """
            CREATE TABLE experiments (experiment_id INTEGER, name TEXT, lifecycle_stage TEXT);
            CREATE TABLE runs (run_uuid TEXT, name TEXT, status TEXT, start_time INTEGER, lifecycle_stage TEXT,
                               experiment_id INTEGER);
            CREATE TABLE params (key TEXT, value TEXT, run_uuid TEXT);
            CREATE TABLE tags (key TEXT, value TEXT, run_uuid TEXT);
            CREATE TABLE metrics (key TEXT, value FLOAT, timestamp INTEGER, run_uuid TEXT, step INTEGER, is_nan BOOLEAN);
            INSERT INTO experiments VALUES (1, 'digits', 'active');
            """
        )
        for place, (method, seed) in enumerate(grid()):
            run = f"{place:032x}"
            db.execute(
                "INSERT INTO runs VALUES (?, ?, 'FINISHED', ?, 'active', 1)", (run, f"r{place}", place)
            )
            db.execute("INSERT INTO params VALUES ('optimizer', ?, ?)", (method, run))
            db.execute("INSERT INTO params VALUES ('seed', ?, ?)", (str(seed), run))
            for metric in ("val_acc", "val_loss"):
                for t in range(1, STEPS + 1):
                    row = (metric, value(method, seed, t, metric), 1000 + t, run, t)
                    db.execute("INSERT INTO metrics VALUES (?, ?, ?, ?, ?, 0)", row)
    db.close()
    return path


def sacred(root):
    for place, (method, seed) in enumerate(grid(), start=1):
        run = root / str(place)
        run.mkdir(parents=True)
        (run / "config.json").write_text(json.dumps({"optimizer": method, "seed": seed, "lr": 0.1}))
        about = {"experiment": {"name": "digits"}, "status": "COMPLETED", "start_time": "2026-01-01T00:00:00"}
        (run / "run.json").write_text(json.dumps(about))
        metrics = {
            metric: {
                "steps": list(range(1, STEPS + 1)),
                "values": [value(method, seed, t, metric) for t in range(1, STEPS + 1)],
            }
            for metric in ("val_acc", "val_loss")
        }
        (run / "metrics.json").write_text(json.dumps(metrics))
    return root


def varint(number):
    number &= (1 << 64) - 1
    out = b""
    while number > 127:
        out += bytes([number & 127 | 128])
        number >>= 7
    return out + bytes([number])


def message(number, data):
    """A field of bytes."""
    data = data.encode() if isinstance(data, str) else data
    return varint(number << 3 | 2) + varint(len(data)) + data


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def tfrecord(data):
    def mark(chunk):
        crc = crc32c(chunk)
        return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)

    length = struct.pack("<Q", len(data))
    return length + mark(length) + data + mark(data)


def scalar_event(tag, step, number, when=1.5):
    summary = message(1, message(1, tag) + b"\x15" + struct.pack("<f", number))
    return b"\x09" + struct.pack("<d", when) + b"\x10" + varint(step) + message(5, summary)


def tensor_event(tag, step, number):
    """As TensorFlow 2 writes scalars: a tensor of one float."""
    tensor = b"\x08\x01" + message(2, b"") + message(4, struct.pack("<f", number))
    return b"\x10" + varint(step) + message(5, message(1, message(1, tag) + message(8, tensor)))


def tensorboard(root):
    for method, seed in grid():
        folder = root / f"{method}_seed{seed}"
        folder.mkdir(parents=True)
        events = [b"\x09" + struct.pack("<d", 1.0) + message(3, "brain.Event:2")]
        for t in range(1, STEPS + 1):
            events += [scalar_event(m, t, value(method, seed, t, m)) for m in ("val_acc", "val_loss")]
        (folder / "events.out.tfevents.1.host").write_bytes(b"".join(map(tfrecord, events)))
    return root


def wandb_file(records, version=0):
    """LevelDB's log format with W&B's header."""
    out = b":W&B" + struct.pack("<HB", 0xBEE1, version)
    for data in records:
        kind = 1
        while True:
            left = 32768 - len(out) % 32768
            if left < 7:
                out += b"\0" * left
                continue
            part, data = data[: left - 7], data[left - 7 :]
            kind = (
                (1 if kind == 1 and not data else 2 if kind == 1 else 3) if not (kind > 1 and not data) else 4
            )
            out += struct.pack("<IHB", zlib.crc32(bytes([kind]) + part), len(part), kind) + part
            if not data:
                break
    return out


def wandb_item(key, content):
    return message(1, message(2, key) + message(16, json.dumps(content)))


def wandb_run(method, seed, *, padding=0):
    config = b"".join(
        message(1, message(1, k) + message(16, json.dumps(v)))
        for k, v in (("optimizer", method), ("seed", seed))
    )
    records = [
        message(
            17, message(1, "id") + message(3, "digits") + message(4, config) + message(8, f"{method}-{seed}")
        )
    ]
    for t in range(1, STEPS + 1):
        items = {
            "val_acc": value(method, seed, t),
            "val_loss": value(method, seed, t, "val_loss"),
            "_step": t,
        }
        row = b"".join(wandb_item(key, number) for key, number in items.items())
        records.append(message(2, row + wandb_item("text", "x" * padding)))
    return [*records, message(18, b"\x08\x00")]


def wandb(root):
    for method, seed in grid():
        folder = root / f"offline-run-{method}{seed}"
        folder.mkdir(parents=True)
        (folder / f"run-{method}{seed}.wandb").write_bytes(wandb_file(wandb_run(method, seed)))
    return root


def npz(path):
    np.savez(path, steps=np.arange(1, STEPS + 1), **{method: curves(method).T for method in METHODS})
    return path
