"""One of two processes that train together over gloo: ``python two_processes.py RANK FOLDER``.

Writes ``FOLDER/RANK.json``: for each check "" or the traceback of its failure. Only checks that both processes fail or pass
alike can be trusted to leave the other waiting for nobody.
"""

import json
import sys
import traceback
import warnings
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
import torch.distributed.checkpoint as dcp
from stepping import AMORTIZED, KINDS, MAIN, assert_close, assert_same
from torch import nn
from torch.distributed.checkpoint.state_dict import (
    StateDictOptions,
    get_optimizer_state_dict,
    set_optimizer_state_dict,
)
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import FullyShardedDataParallel, fully_shard
from torch.nn.parallel import DistributedDataParallel

from amrobust.optim import AM2SGD

STEPS = 9


def model():
    """Odd sizes, so that shards are unequal; the second is empty for one of the biases."""
    torch.manual_seed(3)
    return nn.Sequential(nn.Linear(5, 7), nn.Tanh(), nn.Linear(7, 1)).double()


def batches(k):
    generator = torch.Generator().manual_seed(k)
    x = torch.randn(6, 5, generator=generator, dtype=torch.float64)
    return x, x.sum(1, keepdim=True)


def train(net, optimizer, ks, part=slice(None)):
    for k in ks:
        x, y = (t[part] for t in batches(k))
        optimizer.zero_grad()
        (net(x) - y).square().mean().backward()
        optimizer.step()


def alone(name, ks=range(STEPS), **options):
    net = model()
    optimizer = KINDS[name].make(net.parameters(), weight_decay=0.01, **options)
    train(net, optimizer, ks)
    return net, optimizer


@torch.no_grad()
def evaluated(net):
    return net(batches(0)[0])


def refused(call, reason):
    with pytest.raises((RuntimeError, ValueError)) as refusal:
        call()
    assert reason in str(refusal.value)


def my_part():
    return slice(3 * dist.get_rank(), 3 * dist.get_rank() + 3)


def gathered(net):
    return [p.full_tensor().detach() for p in net.parameters()]


def sharded():
    net = model()
    mesh = init_device_mesh("cpu", (2,))
    fully_shard(net[0], mesh=mesh)
    fully_shard(net, mesh=mesh)
    return net


def data_parallel(name, folder):
    net = DistributedDataParallel(model())
    optimizer = KINDS[name].make(net.parameters(), weight_decay=0.01, fused=True)
    train(net, optimizer, range(STEPS), my_part())
    reference, other = alone(name)
    assert_close(net.parameters(), reference.parameters())
    theirs = [torch.empty_like(p) for p in net.parameters() for _ in range(2)]
    for index, p in enumerate(net.parameters()):
        pair = theirs[2 * index : 2 * index + 2]
        dist.all_gather(pair, p.detach())
        assert_same(pair[:1], pair[1:])
    if name in AMORTIZED:
        with optimizer.output_point(), other.output_point():
            assert_close([evaluated(net)], [evaluated(reference)])


def fully_sharded(name, folder, **options):
    net = sharded()
    optimizer = KINDS[name].make(net.parameters(), weight_decay=0.01, **options)
    train(net, optimizer, range(STEPS), my_part())
    reference, other = alone(name, **options)
    assert_close(gathered(net), reference.parameters())
    if name in AMORTIZED:
        before = gathered(net)
        evaluated(net)  # the root module keeps what it gathered
        with optimizer.output_point(net), other.output_point():
            assert_close([evaluated(net)], [evaluated(reference)])
        assert_same(gathered(net), before)
        assert_close([evaluated(net)], [evaluated(reference)])
        refused(optimizer.output_point().__enter__, "output_point(model)")
        refused(lambda: optimizer.restart("output"), "output_point(model)")
    optimizer.restart("output", model=net)
    other.restart("output")
    train(net, optimizer, range(3), my_part())
    train(reference, other, range(3))
    assert_close(gathered(net), reference.parameters())


def fully_sharded_decoupled(name, folder):
    fully_sharded(name, folder, decoupled_weight_decay=True)


def sharded_checkpoint(name, folder):
    """Saved in mid-cycle from two shards, loaded into fresh ones, and gathered whole as one process would have it."""
    net = sharded()
    optimizer = KINDS[name].make(net.parameters(), weight_decay=0.01)
    train(net, optimizer, range(6), my_part())
    path = folder / f"checkpoint-{name}"
    state = {"model": net.state_dict(), "optimizer": get_optimizer_state_dict(net, optimizer)}
    dcp.save(state, checkpoint_id=path)
    resumed = sharded()
    second = KINDS[name].make(resumed.parameters(), lr=9.0)
    template = {"model": resumed.state_dict(), "optimizer": get_optimizer_state_dict(resumed, second)}
    dcp.load(template, checkpoint_id=path)
    resumed.load_state_dict(template["model"])
    set_optimizer_state_dict(resumed, second, template["optimizer"])
    train(net, optimizer, range(6, STEPS), my_part())
    train(resumed, second, range(6, STEPS), my_part())
    assert_same(gathered(net), gathered(resumed))
    whole = get_optimizer_state_dict(net, optimizer, options=StateDictOptions(full_state_dict=True))
    reference, other = alone(name)
    for name_of, p in reference.named_parameters():
        for key, value in other.state[p].items():
            if key == "spare":
                continue
            found = whole["state"][name_of][key]
            if isinstance(value, torch.Tensor):
                assert_close([found], [value])
            else:
                assert found == value


def flat_sharded(name, folder):
    """The older FSDP, whose parameters are views of a flat one."""
    for original in (True, False):
        net = FullyShardedDataParallel(model(), use_orig_params=original, device_id=torch.device("cpu"))
        optimizer = KINDS[name].make(net.parameters(), weight_decay=0.01)
        train(net, optimizer, range(STEPS), my_part())
        reference, _ = alone(name)
        with FullyShardedDataParallel.summon_full_params(net):
            assert_close(net.parameters(), reference.parameters())
        if name in AMORTIZED:
            refused(optimizer.output_point().__enter__, "use fully_shard")


def common_seed(_, folder):
    refused(lambda: AM2SGD(model().parameters(), 0.1), "the same in every process")
    AM2SGD(model().parameters(), 0.1, seed=5)


CHECKS = {
    f"{check.__name__}-{name}": (check, name)
    for check, names in (
        (data_parallel, MAIN),
        (fully_sharded, MAIN),
        (fully_sharded_decoupled, ["am1"]),
        (sharded_checkpoint, MAIN),
        (flat_sharded, ["am1", "qhm"]),
        (common_seed, ["am2"]),
    )
    for name in names
}


def main(rank, folder):
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=2)
    results = {}
    for title, (check, name) in CHECKS.items():
        try:
            check(name, folder)
            results[title] = ""
        except Exception:
            results[title] = traceback.format_exc()
        dist.barrier()
    (folder / f"{rank}.json").write_text(json.dumps(results))
    dist.destroy_process_group()


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
