"""Every form of every optimizer is its rule: float64, 50 steps, a schedule, restarts, odd shapes."""

import pytest
import torch
from stepping import AMORTIZED, KINDS, assert_close, follow, give, gradients, output_of, parameters

from amrobust import rules
from amrobust.optim import AM1SGD, AM2SGD, forms

FORMS = {
    "loop": {"foreach": False},
    "foreach": {"foreach": True},
    "default": {},
    "fused": {"fused": True},
    "capturable": {"capturable": True},
}
every_form = pytest.mark.parametrize("form", FORMS)
every_kind = pytest.mark.parametrize("name", KINDS)


def options_of(name, form):
    if name == "am2" and form == "capturable":
        pytest.skip("AM2-SGD is not capturable")
    return FORMS[form]


@every_kind
@every_form
@pytest.mark.parametrize("maximize", [False, True], ids=["minimize", "maximize"])
def test_the_rule(name, form, maximize):
    follow(name, maximize=maximize, **options_of(name, form))


@every_kind
@every_form
def test_the_rule_without_weight_decay(name, form):
    follow(name, weight_decay=0, **options_of(name, form))


@pytest.mark.parametrize("lr", [1.0, 1e-3, 1e-8])
def test_a_step_of_any_size_keeps_the_precision_of_float32_on_fused_kernels(lr):
    """Without decay the step is in the coefficient of a momentum, 1 − (1 + η), which must not be formed in float32."""
    p = torch.nn.Parameter(torch.zeros(40, 25))
    (p.grad,) = gradients(0, torch.float32, [(40, 25)])
    optimizer = AM1SGD([p], lr, momentum=0, m=4, fused=True)
    optimizer.step()
    optimizer.step()
    torch.testing.assert_close(p.detach(), -2 * lr * p.grad, rtol=3e-7, atol=0)


@every_kind
@pytest.mark.parametrize("form", ["foreach", "fused"])
@pytest.mark.parametrize("limit", [40, 700])
def test_the_rule_in_blocks_that_split_and_gather_tensors(name, form, limit, monkeypatch):
    monkeypatch.setattr(forms, "CACHE_BYTES", 0)
    monkeypatch.setattr(forms, "BLOCK_BYTES", limit)
    follow(name, **FORMS[form])


@every_kind
@pytest.mark.parametrize("form", ["loop", "foreach", "fused"])
def test_the_rule_on_complex_parameters(name, form):
    follow(name, dtype=torch.complex128, **FORMS[form])


@every_kind
def test_the_rule_with_a_learning_rate_in_a_tensor(name):
    params, other = parameters(), parameters()
    rate = torch.tensor([0.1], dtype=torch.float64)
    optimizer, plain = KINDS[name].make(params, rate), KINDS[name].make(other)
    for k in range(9):
        give(params, gradients(k))
        give(other, gradients(k))
        optimizer.step()
        plain.step()
    assert_close(params, other, 0)


@every_kind
def test_foreach_and_loop_agree_bit_for_bit(name):
    one, other = parameters(torch.float32), parameters(torch.float32)
    pairs = [
        (params, KINDS[name].make(params, weight_decay=1e-3, foreach=foreach))
        for params, foreach in ((one, True), (other, False))
    ]
    for k in range(23):
        for params, optimizer in pairs:
            give(params, gradients(k, torch.float32))
            optimizer.step()
    assert_close(one, other, 0)


@every_kind
@every_form
def test_a_parameter_without_a_gradient_is_passed_over(name, form):
    """Its trajectory is the rule on the steps at which it had one; the others' is not touched."""
    params = parameters()
    constant = {"indices": [0] * 60} if name == "am2" else {}
    optimizer = KINDS[name].make(params, **options_of(name, form), **constant)
    rule = KINDS[name].make_rule(**constant)
    states = [rule.init(p.detach().clone()) for p in params]
    for k in range(30):
        give(params, gradients(k))
        for index, p in enumerate(params):
            if (k + index) % 3 == 0:
                p.grad = None
            else:
                states[index] = rule.step(states[index], gradients(k)[index], 0.1)
        optimizer.step()
    assert_close(params, [state.x for state in states])


class TestDecoupledWeightDecay:
    """The rule without decay on u = x + c, with gradients taken at x, and c the sum of ηλx."""

    @pytest.mark.parametrize("name", AMORTIZED)
    @every_form
    @pytest.mark.parametrize("maximize", [False, True], ids=["minimize", "maximize"])
    def test_what_the_decay_moves_enters_no_momentum(self, name, form, maximize):
        params = parameters()
        optimizer = KINDS[name].make(
            params,
            weight_decay=0.3,
            decoupled_weight_decay=True,
            maximize=maximize,
            **options_of(name, form),
        )
        rule = KINDS[name].make_rule()
        states = [rule.init(p.detach().clone()) for p in params]
        decayed = [torch.zeros_like(p) for p in params]
        for k in range(40):
            if k == 23:
                optimizer.restart("output")
                states = [
                    rule.reset_to(s, rule.outputs(s)["II"] - c) for s, c in zip(states, decayed, strict=True)
                ]
                decayed = [torch.zeros_like(p) for p in params]
            give(params, gradients(k))
            decayed = (
                [c + 0.1 * 0.3 * (s.x - c) for s, c in zip(states, decayed, strict=True)]
                if k
                else [0.1 * 0.3 * s.x for s in states]
            )
            optimizer.step()
            sign = -1 if maximize else 1
            states = [rule.step(s, sign * g, 0.1) for s, g in zip(states, gradients(k), strict=True)]
            assert_close(params, [s.x - c for s, c in zip(states, decayed, strict=True)])
            expected = [rule.outputs(s)["II"] - c for s, c in zip(states, decayed, strict=True)]
            assert_close(output_of(optimizer, params), expected)

    @pytest.mark.parametrize("name", ["am1-single", "aggmo", "qhm"])
    @every_form
    def test_it_is_torchs_sgd_with_a_decay_beside_it(self, name, form):
        ours, theirs = parameters(), parameters()
        made = {
            "am1-single": (lambda p, **o: AM1SGD(p, 0.1, m=1, **o), {"nesterov": True}),
            "aggmo": (lambda p, **o: KINDS["aggmo"].optimizer(p, 0.1, (0.9,), **o), {}),
            "qhm": (lambda p, **o: KINDS["qhm"].optimizer(p, 1.0, 0.9, 0.9, **o), {"nesterov": True}),
        }
        make, momentum = made[name]
        optimizer = make(ours, weight_decay=0.2, decoupled_weight_decay=True, **FORMS[form])
        reference = torch.optim.SGD(theirs, 0.1, momentum=0.9, foreach=False, **momentum)
        rate = optimizer.param_groups[0]["lr"]
        for k in range(40):
            give(ours, gradients(k))
            give(theirs, gradients(k))
            optimizer.step()
            with torch.no_grad():
                for p in theirs:
                    p.mul_(1 - rate * 0.2)
            reference.step()
            assert_close(ours, theirs)


class TestAgainstTorch:
    @pytest.mark.parametrize("form", ["loop", "foreach", "fused"])
    def test_m_1_is_nesterov_at_a_constant_rate(self, form):
        for make in (
            lambda p: AM1SGD(p, 0.1, m=1, weight_decay=0.01, **FORMS[form]),
            lambda p: AM2SGD(p, 0.1, m=1, weight_decay=0.01, **FORMS[form]),
            lambda p: KINDS["qhm"].optimizer(p, 1.0, 0.9, 0.9, weight_decay=0.01, **FORMS[form]),
        ):
            ours, theirs = parameters(), parameters()
            optimizer = make(ours)
            reference = torch.optim.SGD(
                theirs, 0.1, momentum=0.9, nesterov=True, weight_decay=0.01, foreach=False
            )
            for k in range(50):
                for params, step in ((ours, optimizer.step), (theirs, reference.step)):
                    give(params, gradients(k))
                    step()
            assert_close(ours, theirs)

    def test_one_beta_is_classical_momentum(self):
        ours, theirs = parameters(), parameters()
        optimizer = KINDS["aggmo"].optimizer(ours, 0.1, [0.9], weight_decay=0.01)
        reference = torch.optim.SGD(theirs, 0.1, momentum=0.9, weight_decay=0.01, foreach=False)
        for k in range(50):
            for params, step in ((ours, optimizer.step), (theirs, reference.step)):
                give(params, gradients(k))
                step()
        assert_close(ours, theirs)


class TestSampling:
    def test_am2_draws_the_indices_of_its_stream(self):
        params, given = parameters(), parameters()
        stream = rules.IndexStream(77, 4)
        drawn, fixed = (
            AM2SGD(params, 0.1, m=4, seed=77),
            AM2SGD(given, 0.1, m=4, indices=[stream(k) for k in range(31)]),
        )
        for k in range(30):
            for both, optimizer in ((params, drawn), (given, fixed)):
                give(both, gradients(k))
                optimizer.step()
        assert_close(params, given, 0)
        give(given, gradients(30))
        with pytest.raises(RuntimeError, match="31 indices"):
            fixed.step()

    def test_am2_without_a_seed_follows_torchs_generator(self):
        def trained(seed):
            torch.manual_seed(seed)
            params = parameters()
            optimizer = AM2SGD(params, 0.1)
            for k in range(9):
                give(params, gradients(k))
                optimizer.step()
            return params[3].detach()

        assert torch.equal(trained(1), trained(1))
        assert not torch.equal(trained(1), trained(2))
