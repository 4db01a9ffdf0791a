"""The callbacks in the real frameworks, each in an environment of its own: what they record, and that they change nothing."""

import json
from pathlib import Path

import pytest
from tools import python_with, run_in

from amrobust.runs.store import open_runs
from amrobust.runs.values import absent

pytestmark = pytest.mark.slow

ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "PYTHONPATH": str(Path(__file__).resolve().parents[3]),
    "HF_HUB_OFFLINE": "1",
}


def recorded(directory, method):
    """The run of ``method``."""
    return next(
        run for run in open_runs([directory])[0] if run.manifest.facts.methods["I"].startswith(method)
    )


def curve(run, name, output="I"):
    """A metric's curve of every seed: None where nothing was measured."""
    values = run.curves()[output][name]
    return [
        [None if gone else value for value, gone in zip(row, missing, strict=True)]
        for row, missing in zip(values.tolist(), absent(values), strict=True)
    ]


LIGHTNING = """
import json, logging, os, warnings
warnings.simplefilter("ignore")
for name in ("lightning.pytorch", "lightning.fabric"): logging.getLogger(name).setLevel(logging.ERROR)
import torch, lightning as L
from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger
from torch import nn
from amrobust.ingest.callbacks.lightning import AmrobustCallback
from amrobust.optim import AM1SGD
class Net(L.LightningModule):
    def __init__(self, fail=None, amortized=False):
        super().__init__(); self.fail = fail; self.amortized = amortized
        self.net = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Dropout(.3), nn.Linear(8, 2))
    def training_step(self, batch, i):
        if self.fail == self.current_epoch: raise RuntimeError("no more")
        loss = nn.functional.cross_entropy(self.net(batch[0]), batch[1])
        self.log("train_loss", loss, on_step=True, on_epoch=True); return loss
    def validation_step(self, batch, i, dataloader_idx=0):
        self.log("val_loss", nn.functional.cross_entropy(self.net(batch[0]), batch[1]))
        self.log("val_epoch", float(self.current_epoch))
        if self.current_epoch % 2 == 0: self.log("val_extra", 1.0)
    def on_train_epoch_end(self): self.log("late", float(self.current_epoch))
    def configure_optimizers(self):
        make = (lambda p: AM1SGD(p, lr=.1, m=3)) if self.amortized else (lambda p: torch.optim.SGD(p, lr=.1))
        return make(self.parameters())
def loader(size, key, shuffle=False):
    x = torch.randn(size, 4, generator=torch.Generator().manual_seed(key))
    return torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x, (x[:, 0] > 0).long()), 16, shuffle=shuffle)
def trainer(callbacks=(), **options):
    return L.Trainer(callbacks=list(callbacks), accelerator="cpu", enable_progress_bar=False, enable_model_summary=False,
                     **({"max_epochs": 4, "logger": False, "enable_checkpointing": False} | options))
def fit(method, seed=0, *, net=None, callbacks=(), checkpoint=None, of=None, val=None, **options):
    L.seed_everything(seed, verbose=False)
    made = AmrobustCallback("runs", method=method, seed=seed, workload="w", **(of or {}))
    t = trainer([made, *callbacks], **options)
    t.fit(net or Net(), loader(64, 1, True), val or loader(64, 2), ckpt_path=checkpoint)
    return t
"""

LIGHTNING_SHAPES = """
fit("plain"); fit("plain", 1)
fit("plain")                                                                     # a second fit
fit("every2", check_val_every_n_epoch=2)
fit("half", val_check_interval=.5)
fit("steps", of={"axis": "step"}, max_steps=6, max_epochs=-1, check_val_every_n_epoch=None, val_check_interval=3)
fit("partial", max_steps=6, max_epochs=-1)
fit("dev", fast_dev_run=True)
fit("sets", val=[loader(64, 2), loader(64, 3)])
for seed in range(3):
    fit("early", seed, callbacks=[EarlyStopping("val_loss", patience=1, min_delta=.02 * (seed + 1))], max_epochs=30)
try: fit("crash", net=Net(fail=2))
except RuntimeError: pass
t = fit("further", max_epochs=2); t.fit_loop.max_epochs = 4; t.fit(t.lightning_module, loader(64, 1, True), loader(64, 2))
saved = ModelCheckpoint("saved", filename="{epoch}", save_top_k=-1)
fit("resumed", callbacks=[saved], enable_checkpointing=True)
fit("resumed", 1, callbacks=[saved], enable_checkpointing=True, max_epochs=2)
fit("resumed", 1, checkpoint="saved/epoch=1-v1.ckpt", max_epochs=4)
fit("seeds", 2**31)
def broken(module): raise ValueError("not today")
fit("broken", of={"measure": broken})
open("blocked", "w").close()
made = AmrobustCallback("blocked", method="a", seed=0, workload="w")
trainer([made]).fit(Net(), loader(64, 1), loader(64, 2))
"""


def test_lightning_trainings_land_as_what_they_are(tmp_path):
    python = python_with("lightning", "lightning", torch=True)
    code = LIGHTNING + LIGHTNING_SHAPES
    run_in(python, f"{code}\nopen('done', 'w').close()", tmp_path, **ENVIRONMENT)
    assert (tmp_path / "done").exists()
    runs = tmp_path / "runs"

    def grid(method):
        return recorded(runs, method).manifest.facts.coordinates.values

    plain = recorded(runs, "plain")
    assert plain.manifest.complete == (0, 1)
    assert set(plain.curves()["I"]) == {
        "val_loss", "val_epoch", "val_extra", "train_loss", "train_loss_epoch", "late",
    }  # fmt: skip
    assert curve(plain, "val_epoch") == curve(plain, "late") == [[0, 1, 2, 3]] * 2
    assert curve(plain, "val_extra") == [[1, None, 1, None]] * 2
    assert [file.name for file in plain.path.glob("*.jsonl")] == ["seed-0.attempt-1.jsonl"]
    assert curve(recorded(runs, "every2"), "val_epoch") == [[None, 1, None, 3]]
    assert curve(recorded(runs, "every2"), "late") == [[0, 1, 2, 3]]
    assert grid("half") == tuple(k / 2 for k in range(1, 9))
    assert curve(recorded(runs, "half"), "late") == [[None, 0, None, 1, None, 2, None, 3]]
    assert set(grid("steps")) == {3, 4, 6}
    assert curve(recorded(runs, "steps"), "val_epoch") == [[0, None, 1]]
    assert grid("partial") == (1, 1.5)
    assert not [run for run in open_runs([runs])[0] if run.manifest.facts.methods["I"] == "dev"]
    assert {"val_loss/dataloader_idx_0", "val_loss/dataloader_idx_1"} <= set(
        recorded(runs, "sets").curves()["I"]
    )
    lengths = [sum(value is not None for value in row) for row in curve(recorded(runs, "early"), "val_loss")]
    assert len(set(lengths)) > 1
    assert max(lengths) < 30
    crash = recorded(runs, "crash")
    assert crash.manifest.seeds[0].error == "stopped at epoch 2: RuntimeError: no more"
    lines = [json.loads(line) for line in (crash.path / "seed-0.jsonl").read_text().splitlines()]
    assert [line["val_epoch"] for line in lines if "val_epoch" in line] == [0, 1]
    for method in ("further", "resumed"):
        run = recorded(runs, method)
        assert all(row == [0, 1, 2, 3] for row in curve(run, "val_epoch")), method
        assert not list(run.path.glob("*.jsonl"))
    assert recorded(runs, "resumed").manifest.complete == (0, 1)
    assert recorded(runs, "seeds").manifest.complete == (2**31,)
    assert curve(recorded(runs, "broken"), "val_epoch") == [[0, 1, 2, 3]]


LIGHTNING_OUTPUTS = """
def numbers(name, callbacks, **options):
    L.seed_everything(3, verbose=False)
    net, stop = Net(amortized=True), EarlyStopping("val_loss", patience=10)
    keep = ModelCheckpoint(name, monitor="val_loss", save_top_k=-1, filename="{epoch}", save_on_train_epoch_end=False)
    trainer([*callbacks, stop, keep], logger=CSVLogger(name, name=""), enable_checkpointing=True, log_every_n_steps=1,
            **options).fit(net, loader(64, 1, True), loader(64, 2))
    state = {key: value.tolist() for key, value in net.state_dict().items()}
    return [state, float(stop.best_score), open(f"{name}/version_0/metrics.csv").read(), sorted(os.listdir(name))]
def measure(module):
    assert not module.training
    return {"norm": float(sum(p.norm() for p in module.parameters())), "drawn": torch.randn(())}
for name, options in (("whole", {}), ("half", {"val_check_interval": .5})):
    made = AmrobustCallback("runs", method=name, seed=3, workload="w", measure=measure)
    bare, seen = numbers(f"{name}-bare", [], **options), numbers(f"{name}-seen", [made], **options)
    assert bare == seen, name
made = AmrobustCallback("resumed", method="whole", seed=3, workload="w", measure=measure)
L.seed_everything(3, verbose=False)
trainer([made]).fit(Net(amortized=True), loader(64, 1, True), loader(64, 2), ckpt_path="whole-seen/epoch=1.ckpt")
"""


def test_lightning_measures_both_outputs_and_changes_nothing(tmp_path):
    python = python_with("lightning", "lightning", torch=True)
    run_in(python, f"{LIGHTNING}{LIGHTNING_OUTPUTS}\nopen('done', 'w').close()", tmp_path, **ENVIRONMENT)
    assert (tmp_path / "done").exists()
    for method, rows in (("whole", 4), ("half", 8)):
        run = recorded(tmp_path / "runs", method)
        assert run.manifest.facts.methods == {"I": f"{method}/I", "II": f"{method}/II"}
        for metric in ("val_loss", "norm"):
            one, two = (curve(run, metric, output)[0] for output in ("I", "II"))
            assert len(one) == len(two) == rows
            assert None not in (*one, *two)
            assert all(a != b for a, b in zip(one, two, strict=True))
    # A checkpoint is saved before the output point is measured: the resumed fit does it with the weights that it has.
    resumed, whole = recorded(tmp_path / "resumed", "whole"), recorded(tmp_path / "runs", "whole")
    for output in ("I", "II"):
        assert curve(resumed, "val_loss", output)[0][:2] == curve(whole, "val_loss", output)[0][:2]
        assert len(curve(resumed, "val_loss", output)[0]) == 4


HUGGING_FACE = """
import warnings
warnings.simplefilter("ignore")
import numpy as np, torch
from torch import nn
from transformers import EarlyStoppingCallback, Trainer, TrainerCallback, TrainingArguments
from amrobust.ingest.callbacks.huggingface import AmrobustCallback
from amrobust.optim import AM1SGD
class Net(nn.Module):
    def __init__(self): super().__init__(); self.net = nn.Sequential(nn.Linear(4, 8), nn.Dropout(.3), nn.Linear(8, 2))
    def forward(self, x=None, labels=None):
        out = self.net(x); return {"loss": nn.functional.cross_entropy(out, labels), "logits": out}
class Data(torch.utils.data.Dataset):
    def __init__(self, size, key):
        self.x = torch.randn(size, 4, generator=torch.Generator().manual_seed(key)); self.y = (self.x[:, 0] > 0).long()
    def __len__(self): return len(self.x)
    def __getitem__(self, i): return {"x": self.x[i], "labels": self.y[i]}
def accuracy(found): return {"accuracy": float((found.predictions.argmax(-1) == found.label_ids).mean())}
def train(method, seed=0, *, sets=None, callbacks=(), metrics=accuracy, resume=None, of=None, observe=True, opt=None,
          **options):
    torch.manual_seed(seed)
    arguments = TrainingArguments(**({
        "output_dir": f"out/{method}_{seed}", "num_train_epochs": 4, "per_device_train_batch_size": 16, "seed": seed,
        "eval_strategy": "epoch", "save_strategy": "no", "report_to": [], "disable_tqdm": True, "use_cpu": True,
        "learning_rate": .05, "logging_strategy": "no", "log_level": "error"} | options))
    net = Net()
    made = AmrobustCallback("runs", method=method, workload="w", **(of or {}))
    optimizers = (opt(net.parameters()) if opt else None, None)
    t = Trainer(net, arguments, train_dataset=Data(64, 1), eval_dataset=sets or Data(64, 2), compute_metrics=metrics,
                optimizers=optimizers, callbacks=[*([made] if observe else []), *callbacks])
    if opt: made.attach(t)
    t.train(resume_from_checkpoint=resume)
    return t
"""

HUGGING_FACE_SHAPES = """
last = [train("plain", seed).evaluate()["eval_loss"] for seed in (0, 1)]
train("plain").train()                                                           # a second training, twice
train("sets", sets={"a": Data(64, 2), "b": Data(64, 3)})
def per_class(found): return {"per_class": [.1, .2], "f1": np.array([.1, .3]), "note": "x", "auc": None}
train("classes", metrics=per_class)
for seed in range(4):
    train("early", seed, callbacks=[EarlyStoppingCallback(1, early_stopping_threshold=.005 * (seed + 1))],
          metric_for_best_model="eval_loss", greater_is_better=False, load_best_model_at_end=True, save_strategy="epoch",
          num_train_epochs=12)
train("start", eval_on_start=True)
train("none", eval_strategy="no")
train("epochs", of={"axis": "epoch"})
class Crash(TrainerCallback):
    def __init__(self, at): self.at = at
    def on_step_end(self, args, state, control, **kwargs):
        if state.global_step == self.at: raise RuntimeError("no more")
train("resumed", 0)
try: train("resumed", 1, callbacks=[Crash(10)], save_strategy="epoch")
except RuntimeError: pass
train("resumed", 1, save_strategy="epoch", resume="out/resumed_1/checkpoint-4")
train("longer", 0, save_strategy="epoch")
train("longer", 0, save_strategy="epoch", num_train_epochs=6, resume="out/longer_0/checkpoint-16")
print(*last)
train("crash", callbacks=[Crash(10)])
"""


def test_hugging_face_trainings_land_as_what_they_are(tmp_path):
    python = python_with("huggingface", "transformers", "accelerate", torch=True)
    code = (
        f"{HUGGING_FACE}\ntry:\n"
        + "".join(f"    {line}\n" for line in HUGGING_FACE_SHAPES.splitlines())
        + "except RuntimeError as error: assert 'no more' in str(error)\n"
    )
    printed = run_in(python, code, tmp_path, **ENVIRONMENT)
    runs = tmp_path / "runs"

    def grid(method):
        return recorded(runs, method).manifest.facts.coordinates.values

    plain = recorded(runs, "plain")
    last = next(line for line in printed.splitlines() if line[:1].isdigit())
    assert [row[-1] for row in curve(plain, "eval_loss")] == [float(word) for word in last.split()]
    assert grid("plain") == (4, 8, 12, 16)
    assert sorted(file.name for file in plain.path.glob("*.jsonl")) == [
        "seed-0.attempt-1.jsonl", "seed-0.attempt-2.jsonl",
    ]  # fmt: skip
    assert set(recorded(runs, "sets").curves()["I"]) == {
        f"eval_{name}_{metric}" for name in "ab" for metric in ("loss", "accuracy")
    }
    assert set(recorded(runs, "classes").curves()["I"]) == {
        "eval_loss", "eval_per_class.0", "eval_per_class.1", "eval_f1.0", "eval_f1.1",
    }  # fmt: skip
    lengths = [sum(value is not None for value in row) for row in curve(recorded(runs, "early"), "eval_loss")]
    assert len(lengths) == 4
    assert len(set(lengths)) > 1
    assert grid("start") == (0, 4, 8, 12, 16)
    assert grid("epochs") == (1, 2, 3, 4)
    assert not [run for run in open_runs([runs])[0] if run.manifest.facts.methods["I"] == "none"]
    resumed = recorded(runs, "resumed")
    assert resumed.manifest.complete == (0, 1)
    assert grid("resumed") == (4, 8, 12, 16)
    assert curve(resumed, "eval_loss")[1] == curve(plain, "eval_loss")[1]
    assert grid("longer") == (4, 8, 12, 16, 20, 24)
    assert None not in curve(recorded(runs, "longer"), "eval_loss")[0]
    crash = recorded(runs, "crash")
    assert crash.manifest.seeds[0].error.startswith("stopped at step 8: ")
    lines = [json.loads(line) for line in (crash.path / "seed-0.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [4, 8]


HUGGING_FACE_OUTPUTS = """
def amortized(params): return AM1SGD(params, lr=.1, m=3)
def measure(model):
    assert not model.training
    return {"norm": float(sum(p.norm() for p in model.parameters())), "drawn": torch.randn(())}
class Seen(TrainerCallback):
    def __init__(self): self.evaluations, self.predictions = [], 0
    def on_prediction_step(self, *_, **__): self.predictions += 1
    def on_evaluate(self, args, state, control, metrics=None, **kwargs): self.evaluations.append(metrics["eval_loss"])
def numbers(observe):
    seen = Seen()
    t = train("am1", opt=amortized, of={"measure": measure}, observe=observe, callbacks=[seen], max_grad_norm=0.0)
    history = [{key: value for key, value in entry.items() if "runtime" not in key and "second" not in key}
               for entry in t.state.log_history]
    return [{key: value.tolist() for key, value in t.model.state_dict().items()}, seen.evaluations, seen.predictions, history]
assert numbers(True) == numbers(False)
"""


def test_hugging_face_measures_both_outputs_and_changes_nothing(tmp_path):
    python = python_with("huggingface", "transformers", "accelerate", torch=True)
    run_in(python, f"{HUGGING_FACE}{HUGGING_FACE_OUTPUTS}", tmp_path, **ENVIRONMENT)
    run = recorded(tmp_path / "runs", "am1")
    for metric in ("eval_loss", "eval_accuracy", "norm"):
        one, two = (curve(run, metric, output)[0] for output in ("I", "II"))
        assert len(one) == len(two) == 4
        assert None not in (*one, *two)
        assert one != two, metric
