"""An optimizer that a package announces."""

import torch


class Signs(torch.optim.Optimizer):
    """SGD on the signs of the gradients."""

    def __init__(self, params, lr=0.001):
        super().__init__(params, {"lr": lr})

    @torch.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            for param in group["params"]:
                param.sub_(param.grad.sign(), alpha=group["lr"])
