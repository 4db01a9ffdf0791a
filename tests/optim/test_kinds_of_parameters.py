"""Half precision, memory layouts, and groups that mix dtypes, devices and hyperparameters."""

import pytest
import torch
from stepping import KINDS, MAIN, assert_close, assert_same, give, gradients, parameters, steps
from torch import nn

from amrobust import rules
from amrobust.optim import AM1SGD, AM2SGD, forms

every_kind = pytest.mark.parametrize("name", MAIN)
FORMS = {"loop": {"foreach": False}, "foreach": {}, "fused": {"fused": True}}
every_form = pytest.mark.parametrize("form", FORMS)


@every_kind
@every_form
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_follows_full_to_its_own_precision(name, form, dtype):
    """torch's fused kernel leaves such parameters as they are on CPU (2.13): it must not be used."""
    shapes = [(40,), (8, 9)]
    half, full = parameters(dtype, shapes), parameters(torch.float64, shapes)
    with torch.no_grad():
        for p, q in zip(full, half, strict=True):
            p.copy_(q)
    start = [p.detach().clone() for p in full]
    one, other = KINDS[name].make(half, **FORMS[form]), KINDS[name].make(full)
    for k in range(8):
        give(full, [g.to(dtype).double() for g in gradients(k, torch.float64, shapes)])
        give(half, [p.grad.to(dtype) for p in full])
        one.step()
        other.step()
    precision = torch.finfo(dtype).eps
    for p, q, begun in zip(half, full, start, strict=True):
        assert p.dtype == dtype
        moved = (q - begun).norm()
        assert moved > 0.5
        assert (p.double() - q).norm() < 30 * precision * q.norm()


@every_kind
@every_form
def test_one_group_of_several_dtypes(name, form):
    dtypes = [torch.float32, torch.float64, torch.bfloat16, torch.complex64, torch.float32]
    together = [parameters(dtype, [(3, 2)])[0] for dtype in dtypes]
    apart = [parameters(dtype, [(3, 2)])[0] for dtype in dtypes]
    steps(KINDS[name].make(together, weight_decay=0.1, **FORMS[form]), together, range(9))
    for p in apart:
        steps(KINDS[name].make([p], weight_decay=0.1, **FORMS[form]), [p], range(9))
    assert_same(together, apart)


@every_kind
def test_one_group_on_several_devices(name):
    """The meta device stands for another one: its tensors cannot share a kernel call with those of a CPU."""
    on_cpu = parameters(shapes=[(3,), (2,)])
    elsewhere = nn.Parameter(torch.empty(3, dtype=torch.float64, device="meta"))
    alone = parameters(shapes=[(3,), (2,)])
    optimizer, other = KINDS[name].make([on_cpu[0], elsewhere, on_cpu[1]]), KINDS[name].make(alone)
    for k in range(9):
        give(on_cpu, gradients(k, shapes=[(3,), (2,)]))
        give(alone, gradients(k, shapes=[(3,), (2,)]))
        elsewhere.grad = torch.empty_like(elsewhere)
        optimizer.step()
        other.step()
    assert_same(on_cpu, alone)
    tensors = [t for t in optimizer.state[elsewhere].values() if isinstance(t, torch.Tensor)]
    assert tensors
    assert all(t.device.type == "meta" for t in tensors)


LAYOUTS = {
    "contiguous": lambda t: t.contiguous(),
    "channels last": lambda t: t.contiguous(memory_format=torch.channels_last),
    "transposed": lambda t: t.transpose(0, 1).contiguous().transpose(0, 1),
    "part of a larger one": lambda t: torch.cat([t, t], dim=3)[..., : t.shape[3]],
}


@every_kind
@pytest.mark.parametrize("of_parameter", LAYOUTS)
@pytest.mark.parametrize("of_gradient", LAYOUTS)
@pytest.mark.parametrize("limit", [forms.BLOCK_BYTES, 200], ids=["whole", "blocks"])
def test_memory_layouts(name, of_parameter, of_gradient, limit, monkeypatch):
    """torch's fused kernel walks through memory without looking at strides: it must not be used where they differ."""
    monkeypatch.setattr(forms, "CACHE_BYTES", 0)
    monkeypatch.setattr(forms, "BLOCK_BYTES", limit)
    shape = (4, 3, 5, 2)
    (plain,) = parameters(shapes=[shape])
    laid_out = {form: nn.Parameter(LAYOUTS[of_parameter](plain.detach().clone())) for form in FORMS}
    optimizers = {form: KINDS[name].make([p], **FORMS[form]) for form, p in laid_out.items()}
    reference = KINDS[name].make([plain], foreach=False)
    for k in range(6):
        (plain.grad,) = gradients(k, shapes=[shape])
        reference.step()
        for form, p in laid_out.items():
            p.grad = LAYOUTS[of_gradient](plain.grad.clone())
            optimizers[form].step()
            assert_close([p], [plain])


def test_blocks_hold_every_element_once_and_no_more_than_they_may():
    sizes = [5, 3000, 40, 700, 1, 0, 350, 2000]
    lists = [[torch.full((size,), float(i)) for i, size in enumerate(sizes)] for _ in range(3)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(forms, "CACHE_BYTES", 0)
        patch.setattr(forms, "BLOCK_BYTES", 700 * 3 * 4)
        found = list(forms.blocks(lists))
    counts = {float(i): 0 for i in range(len(sizes))}
    for block in found:
        assert len({tuple(tuple(t.shape) for t in ts) for ts in block}) == 1
        assert sum(t.numel() for t in block[0]) <= 700
        for t in block[0]:
            counts[t[0].item() if t.numel() else 5.0] += t.numel()
    assert list(counts.values()) == sizes


class TestGroups:
    def test_groups_keep_their_own_hyperparameters(self):
        first, second = parameters()[3], parameters()[3]
        optimizer = AM1SGD(
            [{"params": [first], "lr": 0.2, "m": 3, "momentum": 0.5}, {"params": [second]}], 0.1, m=5
        )
        expected = [(rules.am1(0.5, 3), 0.2), (rules.am1(0.9, 5), 0.1)]
        states = [rule.init(first.detach().clone()) for rule, _ in expected]
        for k in range(16):
            give([first, second], [gradients(k)[3]] * 2)
            optimizer.step()
            states = [
                rule.step(s, gradients(k)[3], lr) for (rule, lr), s in zip(expected, states, strict=True)
            ]
        assert_close([first, second], [state.x for state in states])

    @every_kind
    def test_a_group_added_in_mid_training_starts_its_own_cycle(self, name):
        params = parameters(shapes=[(3,), (2,), (4,)])
        constant = {"indices": [2] * 30} if name == "am2" else {}
        optimizer = KINDS[name].make(params[:2], **constant)
        steps(optimizer, params[:2], range(6))
        optimizer.add_param_group({"params": [params[2]], "lr": 0.05})
        old, new = parameters(shapes=[(3,), (2,)]), parameters(shapes=[(3,), (2,), (4,)])[2:]
        steps(optimizer, params, range(6, 17))
        steps(KINDS[name].make(old, **constant), old, range(17))
        steps(KINDS[name].make(new, lr=0.05, **constant), new, range(6, 17))
        assert_same(params, [*old, *new])

    def test_names_of_parameters_are_kept(self):
        model = nn.Linear(2, 1)
        optimizer = AM1SGD(model.named_parameters(), 0.1)
        assert optimizer.state_dict()["param_groups"][0]["param_names"] == ["weight", "bias"]

    def test_m_may_change_with_a_restart_only(self):
        for make in (AM1SGD, AM2SGD):
            params = parameters(shapes=[(3,)])
            optimizer = make(params, 0.1, m=5)
            steps(optimizer, params, range(7))
            optimizer.param_groups[0]["m"] = 3
            with pytest.raises(RuntimeError, match=r"restart\(\)"):
                optimizer.step()
            optimizer.restart()
            optimizer.param_groups[0]["steps"] = 0
            again = [nn.Parameter(params[0].detach().clone())]
            seed = {"seed": optimizer.param_groups[0]["seed"]} if make is AM2SGD else {}
            steps(optimizer, params, range(7, 20))
            steps(make(again, 0.1, m=3, **seed), again, range(7, 20))
            assert_same(params, again)

    def test_decoupling_may_change_with_a_restart_only(self):
        params = parameters(shapes=[(3,)])
        optimizer = AM1SGD(params, 0.1)
        steps(optimizer, params, range(3))
        optimizer.param_groups[0]["decoupled_weight_decay"] = True
        with pytest.raises(RuntimeError, match="decoupled_weight_decay"):
            optimizer.step()
        optimizer.restart()
        optimizer.step()


@every_kind
def test_a_closure_is_called_with_gradients_enabled_and_its_loss_returned(name):
    p = nn.Parameter(torch.tensor([2.0], dtype=torch.float64))
    optimizer = KINDS[name].make([p])

    def closure():
        optimizer.zero_grad()
        loss = (p**2).sum()
        loss.backward()
        return loss

    assert optimizer.step(closure).item() == 4.0
    assert p.item() < 2
