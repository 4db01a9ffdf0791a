"""The callbacks in the real frameworks, each in an environment of its own."""

from pathlib import Path

import numpy as np
import pytest
from tools import python_with, run_in

from amrobust.ingest.load import load_arms
from amrobust.runs.store import open_runs

pytestmark = pytest.mark.slow

ENVIRONMENT = {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path(__file__).resolve().parents[3])}

LIGHTNING = """
import sys, torch, lightning as L
from amrobust.ingest.callbacks.lightning import AmrobustCallback
class Net(L.LightningModule):
    def __init__(self, fail):
        super().__init__(); self.layer = torch.nn.Linear(2, 1); self.fail = fail
    def training_step(self, batch, i):
        if self.fail and self.current_epoch == 2: raise RuntimeError("no more")
        loss = self.layer(batch[0]).pow(2).mean(); self.log("train_loss", loss, on_step=True, on_epoch=True); return loss
    def validation_step(self, batch, i):
        self.log("val_acc", 50.0 + self.current_epoch)
    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.01)
data = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.ones(8, 2)), batch_size=2)
for seed in range(3):
    L.seed_everything(seed)
    callback = AmrobustCallback("runs", method="sgd", seed=seed, workload="ones")
    trainer = L.Trainer(max_epochs=4, logger=False, callbacks=[callback], enable_progress_bar=False, enable_checkpointing=False,
                        enable_model_summary=False, accelerator="cpu")
    try:
        trainer.fit(Net(seed == 2), data, data)
    except RuntimeError:
        assert seed == 2
"""


def test_lightning(tmp_path):
    run_in(python_with("lightning", "lightning", torch=True), LIGHTNING, tmp_path, **ENVIRONMENT)
    ((run,), _) = open_runs([tmp_path / "runs"])
    assert run.manifest.complete == (0, 1)
    assert run.manifest.seeds[2].error == "RuntimeError: no more"
    curves = run.curves()["I"]
    assert curves["val_acc"].tolist() == [[50, 51, 52, 53]] * 2
    assert set(curves) == {"val_acc", "train_loss", "train_loss_epoch"}


HUGGING_FACE = """
import torch, transformers
from transformers import Trainer, TrainingArguments, PretrainedConfig, PreTrainedModel
from amrobust.ingest.callbacks.huggingface import AmrobustCallback
class Net(PreTrainedModel):
    config_class = PretrainedConfig
    def __init__(self, config):
        super().__init__(config); self.layer = torch.nn.Linear(2, 1); self.post_init()
    def forward(self, x, labels=None):
        out = self.layer(x)[:, 0]
        return {"loss": (out - labels).pow(2).mean(), "logits": out}
data = [{"x": torch.tensor([1.0, float(k)]), "labels": torch.tensor(float(k))} for k in range(16)]
for seed in (0, 1):
    arguments = TrainingArguments(output_dir="out", num_train_epochs=3, eval_strategy="epoch", seed=seed, report_to=[],
                                  use_cpu=True, per_device_train_batch_size=4, save_strategy="no", disable_tqdm=True,
                                  logging_strategy="no")
    torch.manual_seed(seed)
    callback = AmrobustCallback("runs", method="adamw", workload="line")
    trainer = Trainer(Net(PretrainedConfig()), arguments, train_dataset=data, eval_dataset=data, callbacks=[callback])
    trainer.train()
    print(trainer.evaluate()["eval_loss"])
"""


def test_hugging_face(tmp_path):
    python = python_with("huggingface", "transformers", "accelerate", torch=True)
    printed = run_in(python, HUGGING_FACE, tmp_path, HF_HUB_OFFLINE="1", **ENVIRONMENT)
    last = [
        float(line) for line in printed.splitlines() if line.replace(".", "", 1).replace("e-", "").isdecimal()
    ]
    (arm,) = load_arms([tmp_path / "runs"])[0]
    assert arm.seeds == (0, 1)
    assert arm.curves["eval_loss"].shape == (2, 3)
    np.testing.assert_allclose(arm.curves["eval_loss"][:, -1], last, rtol=1e-6)
