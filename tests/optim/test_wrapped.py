"""Wrapped and combined optimizers against the rules, against loops by hand and the packages that ship some of them."""

import copy

import pytest
import torch
from stepping import assert_close, assert_same, give, gradients, parameters, steps

from amrobust import rules
from amrobust.optim import CombinedOptimizer, WrappedOptimizer

BASES = {
    "sgd": (lambda ps: torch.optim.SGD(ps, 0.1, weight_decay=0.01), rules.sgd(0.01)),
    "msgd": (lambda ps: torch.optim.SGD(ps, 0.1, momentum=0.9, nesterov=True), rules.msgd(0.9)),
    "adamw": (lambda ps: torch.optim.AdamW(ps, 0.1, weight_decay=0.01), rules.adamw(weight_decay=0.01)),
}
WRAPPERS = {
    "ema": rules.ema(0.8),
    "swa": rules.swa(2, 2),
    "tail": rules.tail(3, 2),
    "lookahead": rules.lookahead(3, 0.4),
    "am1": rules.amortized(0.8, 3),
    "gpa": rules.gpa(0.9, 0.7),
    "schedulefree": rules.schedule_free(0.9, decay_at_y=0.02),
}
every_wrapper = pytest.mark.parametrize("wrapper", WRAPPERS.values(), ids=WRAPPERS)


def output_of(optimizer, params):
    with optimizer.output_point():
        return [p.detach().clone() for p in params]


@every_wrapper
@pytest.mark.parametrize("base", BASES)
def test_it_computes_what_the_rule_does(wrapper, base):
    make, inner = BASES[base]
    params = parameters()
    optimizer = WrappedOptimizer(make(params), wrapper)
    rule = rules.wrapped(inner, wrapper)
    states = [rule.init(p.detach().clone()) for p in params]
    for k in range(16):
        lr = 0.1 if k < 8 else 0.02
        if k == 11:
            optimizer.restart()
            states = [rule.restart(state) for state in states]
        optimizer.param_groups[0]["lr"] = lr
        give(params, gradients(k))
        optimizer.step()
        states = [rule.step(s, g, lr) for s, g in zip(states, gradients(k), strict=True)]
        assert_close(params, [state.x for state in states])
        assert_close(output_of(optimizer, params), [rule.outputs(state)["II"] for state in states])
        assert_same(params, [p.clone() for p in params])


@every_wrapper
@pytest.mark.parametrize("stop", [0, 1, 4, 7])
def test_a_state_dict_carries_on_bit_for_bit(wrapper, stop, tmp_path):
    straight = parameters(torch.float32)
    optimizer = WrappedOptimizer(torch.optim.Adam(straight, 0.1), wrapper)
    steps(optimizer, straight, range(9))
    begun = parameters(torch.float32)
    first = WrappedOptimizer(torch.optim.Adam(begun, 0.1), wrapper)
    steps(first, begun, range(stop))
    torch.save(first.state_dict(), tmp_path / "state.pt")
    resumed = [torch.nn.Parameter(p.detach().clone()) for p in begun]
    second = WrappedOptimizer(torch.optim.Adam(resumed, 99.0), wrapper)
    second.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
    steps(second, resumed, range(stop, 9))
    assert_same(straight, resumed)
    assert_same(output_of(optimizer, straight), output_of(second, resumed))


def test_eval_and_train_are_the_output_point():
    params = parameters()
    optimizer = WrappedOptimizer(torch.optim.SGD(params, 0.1), rules.ema(0.8))
    steps(optimizer, params, range(5))
    iterate, output = [p.detach().clone() for p in params], output_of(optimizer, params)
    optimizer.eval()
    optimizer.eval()
    assert_same(params, output)
    for call in (optimizer.step, optimizer.state_dict, optimizer.restart):
        with pytest.raises(RuntimeError, match=r"call train\(\) first"):
            call()
    optimizer.train()
    assert_same(params, iterate)


def test_schedulers_move_the_rates_of_the_base():
    params = parameters()
    optimizer = WrappedOptimizer(torch.optim.SGD(params, 0.1), rules.ema(0.8))
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, 1, 0.5)
    steps(optimizer, params, range(1))
    schedule.step()
    assert optimizer.base.param_groups[0]["lr"] == 0.05


def test_a_closure_goes_to_the_base_or_is_refused():
    p = torch.nn.Parameter(torch.tensor([3.0]))

    def closure():
        p.grad = 2 * p.detach()
        return (p**2).sum()

    closure()
    optimizer = WrappedOptimizer(torch.optim.LBFGS([p], max_iter=10), rules.ema(0.5))
    assert optimizer.step(closure).item() == 9.0
    assert abs(p.item()) < 1e-3
    closure()
    with pytest.raises(RuntimeError, match="no closures"):
        WrappedOptimizer(torch.optim.SGD([p], 0.1), rules.gpa()).step(closure)


def test_another_optimizers_state_is_refused():
    params = parameters()
    averaged = WrappedOptimizer(torch.optim.SGD(params, 0.1), rules.ema())
    for other in (torch.optim.SGD(params, 0.1), WrappedOptimizer(torch.optim.SGD(params, 0.1), rules.swa())):
        with pytest.raises(ValueError, match="not the state of"):
            averaged.load_state_dict(other.state_dict())


def of_package(module, name):
    return getattr(pytest.importorskip(module), name)


@pytest.mark.parametrize("kind", ["SGDScheduleFree", "AdamWScheduleFree"])
@pytest.mark.parametrize("decay", [0.0, 0.05])
def test_schedule_free_is_the_packages(kind, decay):
    theirs_of = of_package("schedulefree", kind)
    ours, theirs = parameters(), parameters()
    reference = theirs_of(theirs, 0.1, weight_decay=decay, foreach=False)
    reference.train()
    if kind.startswith("SGD"):
        base = torch.optim.SGD(ours, 0.1)
    else:
        base = torch.optim.AdamW(ours, 0.1, betas=(0.0, 0.999), weight_decay=0.0)
    optimizer = WrappedOptimizer(base, rules.schedule_free(0.9, decay_at_y=decay))
    for k in range(12):
        for params, made in ((ours, optimizer), (theirs, reference)):
            made.param_groups[0]["lr"] = min(1, (k + 1) / 4) * 0.1
            give(params, [g.clone() for g in gradients(k)])
            made.step()
        torch.testing.assert_close(list(ours), list(theirs), rtol=1e-9, atol=1e-11)
    reference.eval()
    torch.testing.assert_close(
        output_of(optimizer, ours), [p.detach() for p in theirs], rtol=1e-9, atol=1e-11
    )


def test_lookahead_is_the_packages():
    theirs_of = of_package("pytorch_optimizer", "Lookahead")
    ours, theirs = parameters(), parameters()
    optimizer = WrappedOptimizer(torch.optim.AdamW(ours, 0.1), rules.lookahead(4, 0.5))
    reference = theirs_of(torch.optim.AdamW(theirs, 0.1), k=4, alpha=0.5, pullback_momentum="none")
    for k in range(13):
        for params, made in ((ours, optimizer), (theirs, reference)):
            give(params, gradients(k))
            made.step()
        torch.testing.assert_close(list(ours), list(theirs), rtol=1e-9, atol=1e-11)


def network():
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(6, 5), torch.nn.Tanh(), torch.nn.Linear(5, 3)).double()


MAKERS = [lambda ps: torch.optim.SGD(ps, 0.5, momentum=0.9), lambda ps: torch.optim.AdamW(ps, 0.01)]


def train(model, optimizers, count):
    generator = torch.Generator().manual_seed(1)
    for _ in range(count):
        x = torch.randn(20, 6, generator=generator, dtype=torch.float64)
        for optimizer in optimizers:
            optimizer.zero_grad()
        model(x).square().mean().backward()
        for optimizer in optimizers:
            optimizer.step()
    return [p.detach().clone() for p in model.parameters()]


def by_name(name, p):
    return int(p.ndim < 2 or name.startswith("2."))


def test_each_optimizer_trains_the_parameters_that_the_rule_gives_it():
    one, other = network(), network()
    combined = CombinedOptimizer(one.named_parameters(), by_name, MAKERS)
    chosen = [[p for name, p in other.named_parameters() if by_name(name, p) == number] for number in (0, 1)]
    assert [len(params) for params in chosen] == [1, 3]
    apart = [make(params) for make, params in zip(MAKERS, chosen, strict=True)]
    assert_same(train(one, [combined], 8), train(other, apart, 8))
    assert [group["lr"] for group in combined.param_groups] == [0.5, 0.01]


def test_combined_state_carries_on_and_an_average_goes_around():
    def made(model):
        return WrappedOptimizer(CombinedOptimizer(model.named_parameters(), by_name, MAKERS), rules.ema(0.7))

    straight = network()
    train(straight, [whole := made(straight)], 6)
    model = network()
    first = made(model)
    train(model, [first], 6)
    again = made(model)
    again.load_state_dict(copy.deepcopy(first.state_dict()))
    for optimizer in (again, whole):
        optimizer.param_groups[1]["lr"] = 0.3
    assert_same(train(straight, [whole], 3), train(model, [again], 3))


def test_a_rule_that_names_no_optimizer_is_refused():
    with pytest.raises(ValueError, match=r"0\.weight goes to optimizer 2, and there are 2"):
        CombinedOptimizer(network().named_parameters(), lambda name, p: 2, MAKERS)
