"""A workload that a package announces."""

import torch
from torch import nn

from amrobust.workloads import Classification


class Blobs(Classification):
    """Two clouds of points in the plane."""

    name = "blobs"

    def network(self):
        return nn.Linear(2, 2)

    def data(self):
        labels = torch.arange(300) % 2
        points = 2.0 * labels[:, None] + torch.randn(300, 2, generator=torch.Generator().manual_seed(0))
        return points[:200], labels[:200], points[200:], labels[200:]
