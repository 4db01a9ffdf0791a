"""Networks and a workload of a few numbers, for what the real workloads do not have: tokens, LSTMs, dropout."""

import sys
from types import SimpleNamespace

import torch
from torch import nn

from amrobust import workloads
from amrobust.runs.spec import Spec
from amrobust.train.stacking import trainer


def register(monkeypatch, name, workload):
    """Make ``workload`` one of amrobust's, for one test."""
    monkeypatch.setitem(sys.modules, f"small_networks_{name}", SimpleNamespace(WORKLOAD=workload))
    monkeypatch.setitem(workloads.WORKLOADS, name, f"small_networks_{name}:WORKLOAD")
    trainer._arrangement_of_model.cache_clear()


class Small:
    """A network workload around ``make()``, a function that builds a network from torch's default initialisation."""

    kind = "network"

    def __init__(self, make, inputs, labels):
        self.make, self.inputs, self.labels = make, inputs, labels

    def model(self, generator):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(generator.initial_seed())
            return self.make()

    def split(self):
        held_out = len(self.labels) // 4
        return SimpleNamespace(
            train_images=self.inputs[held_out:],
            train_labels=self.labels[held_out:],
            test_images=self.inputs[:held_out],
            test_labels=self.labels[:held_out],
        )

    def epochs(self, params):
        return params["epochs"]

    def steps_per_epoch(self, params):
        return (len(self.labels) - len(self.labels) // 4) // params["batch_size"]

    def learning_rate(self, params, lr, epoch):
        return lr


def images(channels=1, size=6, count=40):
    generator = torch.Generator().manual_seed(1)
    inputs = torch.randn(count, channels, size, size, generator=generator)
    return inputs, torch.randint(3, (count,), generator=generator)


def tokens(steps=5, count=40, words=7):
    generator = torch.Generator().manual_seed(2)
    inputs = torch.randint(words, (count, steps), generator=generator)
    return inputs, torch.randint(words, (count, steps), generator=generator)


class Convolutional(nn.Module):
    """Everything that suits seeds among the channels, with dropout of both kinds."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(1, 4, 3, padding=1),
            nn.BatchNorm2d(4),
            nn.ReLU(),
            nn.Dropout2d(0.3),
            nn.Conv2d(4, 6, 3, stride=2, padding=1, groups=2, bias=False),
            nn.GroupNorm(2, 6),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Dropout(0.2),
        )
        self.head = nn.Linear(6, 3)

    def forward(self, x):
        return self.head(self.body(x))


class Joining(nn.Module):
    """Joins channels, which seeds among the channels do not survive."""

    def __init__(self):
        super().__init__()
        self.one, self.other = nn.Conv2d(1, 2, 3), nn.Conv2d(1, 3, 3)
        self.norm = nn.BatchNorm2d(5, momentum=None)
        self.head = nn.Linear(5, 3)

    def forward(self, x):
        return self.head(self.norm(torch.cat([self.one(x), self.other(x)], dim=1)).mean((2, 3)))


class Language(nn.Module):
    """Embedding, a two-layer LSTM with dropout, layer norm, and a decoder tied to the embedding."""

    def __init__(self, batch_first=True, words=7):
        super().__init__()
        self.batch_first = batch_first
        self.embedding = nn.Embedding(words, 4, padding_idx=0)
        self.drop = nn.Dropout(0.1)
        self.lstm = nn.LSTM(4, 4, num_layers=2, dropout=0.4, batch_first=batch_first)
        self.norm = nn.LayerNorm(4)
        self.decoder = nn.Linear(4, words)
        self.decoder.weight = self.embedding.weight

    def forward(self, x):
        embedded = self.drop(self.embedding(x))
        if self.batch_first:
            states, _ = self.lstm(embedded)
        else:
            states = self.lstm(embedded.transpose(0, 1))[0].transpose(0, 1)
        return self.decoder(self.norm(states)).transpose(1, 2)


def small_spec(name, optimizer="sgd", **changes):
    hyperparameters = {"lr": 0.1, "weight_decay": 1e-3} | ({} if optimizer == "sgd" else {"momentum": 0.9})
    hyperparameters |= {"m": 3} if optimizer in ("am1", "am2") else {}
    params = {"epochs": 3, "batch_size": 6} | changes
    return Spec(name, params, optimizer, hyperparameters)
