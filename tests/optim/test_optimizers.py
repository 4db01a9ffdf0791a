"""AM1SGD and AM2SGD against the rules, torch's own Nesterov, and what a training loop expects of an optimizer."""

import copy
import io
import pickle

import numpy as np
import pytest
import torch
from torch import nn

from amrobust import rules
from amrobust.optim import AM1SGD, AM2SGD

SHAPES = [(), (1,), (3,), (2, 3), (4, 1, 3), (0,)]
INDICES = list(np.random.default_rng(5).integers(4, size=200))

both = pytest.mark.parametrize("kind", ["am1", "am2"])
forms = pytest.mark.parametrize("foreach", [True, False, None], ids=["foreach", "loop", "default"])


def make(kind, params, lr=0.1, *, m=4, **options):
    if kind == "am1":
        return AM1SGD(params, lr, m=m, **options)
    return AM2SGD(params, lr, m=m, **({"indices": INDICES} | options))


def rule_of(kind, m=4, **options):
    return rules.am1(m=m, **options) if kind == "am1" else rules.am2(m=m, indices=INDICES, **options)


def parameters(dtype=torch.float64):
    generator = torch.Generator().manual_seed(1)
    return [nn.Parameter(torch.randn(shape, generator=generator, dtype=dtype)) for shape in SHAPES]


def gradients(k, dtype=torch.float64):
    generator = torch.Generator().manual_seed(1000 + k)
    return [torch.randn(shape, generator=generator, dtype=dtype) for shape in SHAPES]


def give(params, grads):
    for p, g in zip(params, grads, strict=True):
        p.grad = g.clone()


def output_of(optimizer, params):
    with optimizer.output_point():
        return [p.detach().clone() for p in params]


class TestAgainstTheRules:
    @both
    @forms
    @pytest.mark.parametrize("maximize", [False, True])
    def test_fifty_steps_with_a_schedule_weight_decay_and_odd_shapes(self, kind, foreach, maximize):
        params = parameters()
        optimizer = make(kind, params, weight_decay=0.01, foreach=foreach, maximize=maximize)
        schedule = torch.optim.lr_scheduler.StepLR(optimizer, step_size=13, gamma=0.3)
        rule = rule_of(kind, weight_decay=0.01)
        states = [rule.init(p.detach().clone()) for p in params]
        for k in range(50):
            lr = optimizer.param_groups[0]["lr"]
            give(params, gradients(k))
            optimizer.step()
            schedule.step()
            sign = -1 if maximize else 1
            states = [rule.step(s, sign * g, lr) for s, g in zip(states, gradients(k), strict=True)]
            outputs = output_of(optimizer, params)
            for p, output, state in zip(params, outputs, states, strict=True):
                expected = rule.outputs(state)
                torch.testing.assert_close(p.detach(), expected["I"], rtol=1e-11, atol=1e-11)
                torch.testing.assert_close(output, expected["II"], rtol=1e-11, atol=1e-11)

    @both
    def test_foreach_and_loop_agree_bit_for_bit(self, kind):
        one, other = parameters(torch.float32), parameters(torch.float32)
        fast, slow = (
            make(kind, one, foreach=True, weight_decay=1e-3),
            make(kind, other, foreach=False, weight_decay=1e-3),
        )
        for k in range(23):
            for params, optimizer in ((one, fast), (other, slow)):
                give(params, gradients(k, torch.float32))
                optimizer.step()
        assert all(torch.equal(p, q) for p, q in zip(one, other, strict=True))

    @both
    def test_m_1_is_torchs_nesterov_at_a_constant_rate(self, kind):
        ours, theirs = parameters(), parameters()
        optimizer = (
            AM1SGD(ours, 0.1, m=1, weight_decay=0.01)
            if kind == "am1"
            else AM2SGD(ours, 0.1, m=1, weight_decay=0.01)
        )
        reference = torch.optim.SGD(
            theirs, 0.1, momentum=0.9, nesterov=True, weight_decay=0.01, foreach=False
        )
        for k in range(50):
            for params, step in ((ours, optimizer.step), (theirs, reference.step)):
                give(params, gradients(k))
                step()
        for p, q in zip(ours, theirs, strict=True):
            torch.testing.assert_close(p.detach(), q.detach(), rtol=1e-11, atol=1e-11)

    def test_am2_draws_the_indices_of_its_stream(self):
        params, given = parameters(), parameters()
        stream = rules.IndexStream(77, 4)
        drawn, fixed = (
            AM2SGD(params, 0.1, m=4, seed=77),
            AM2SGD(given, 0.1, m=4, indices=[stream(k) for k in range(31)]),
        )
        for k in range(30):
            for both_params, optimizer in ((params, drawn), (given, fixed)):
                give(both_params, gradients(k))
                optimizer.step()
        assert all(torch.equal(p, q) for p, q in zip(params, given, strict=True))

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


class TestOutputPoint:
    @both
    def test_the_iterate_comes_back_as_the_same_memory(self, kind):
        params = parameters(torch.float32)
        optimizer = make(kind, params)
        for k in range(6):
            give(params, gradients(k, torch.float32))
            optimizer.step()
        before = [(p.data_ptr(), p.detach().clone()) for p in params]
        with optimizer.output_point():
            assert not torch.equal(params[3], before[3][1])
        assert all(
            p.data_ptr() == pointer and torch.equal(p, value)
            for p, (pointer, value) in zip(params, before, strict=True)
        )

    @both
    def test_it_comes_back_after_an_error_too(self, kind):
        params = parameters()
        optimizer = make(kind, params)
        give(params, gradients(0))
        optimizer.step()
        pointer = params[3].data_ptr()
        with pytest.raises(KeyError), optimizer.output_point():
            raise KeyError
        assert params[3].data_ptr() == pointer
        optimizer.step()

    @both
    def test_stepping_saving_loading_and_reentry_are_refused_meanwhile(self, kind):
        params = parameters()
        optimizer = make(kind, params)
        give(params, gradients(0))
        optimizer.step()
        saved = optimizer.state_dict()
        extra = nn.Parameter(torch.zeros(2))
        with optimizer.output_point():
            for call in (
                optimizer.step,
                optimizer.state_dict,
                lambda: optimizer.load_state_dict(saved),
                lambda: optimizer.add_param_group({"params": [extra]}),
                lambda: optimizer.output_point().__enter__(),
            ):
                with pytest.raises(RuntimeError, match="output_point"):
                    call()

    def test_before_the_first_step_it_is_the_parameter_itself(self):
        params = parameters(torch.float32)
        optimizer = AM1SGD(params, 0.1)
        with torch.no_grad():
            params[2].add_(1.0)  # loading weights after making the optimizer
        for p, q in zip(output_of(optimizer, params), params, strict=True):
            assert torch.equal(p, q)

    def test_am1_starts_from_where_the_parameters_are_at_the_first_step(self):
        params = parameters()
        optimizer = AM1SGD(params, 0.1, m=4)
        with torch.no_grad():
            params[2].add_(5.0)
        start = params[2].detach().clone()
        give(params, gradients(0))
        optimizer.step()
        torch.testing.assert_close(output_of(optimizer, params)[2], start)

    def test_the_model_computes_at_the_output_point(self):
        model = nn.Linear(3, 2)
        optimizer = AM1SGD(model.parameters(), 0.1, m=2)
        x = torch.ones(1, 3)
        for _ in range(4):
            optimizer.zero_grad()
            model(x).square().sum().backward()
            optimizer.step()
        at_iterate = model(x)
        with optimizer.output_point():
            assert not torch.equal(model(x), at_iterate)
        assert torch.equal(model(x), at_iterate)


class TestAsATorchOptimizer:
    @both
    @forms
    def test_gradients_are_never_written(self, kind, foreach):
        params = parameters()
        optimizer = make(kind, params, weight_decay=0.1, maximize=True, foreach=foreach)
        for k in range(9):
            give(params, gradients(k))
            optimizer.step()
            assert all(torch.equal(p.grad, g) for p, g in zip(params, gradients(k), strict=True))

    @both
    @pytest.mark.parametrize("stop", [3, 4, 6])
    def test_a_state_dict_resumes_bit_for_bit_also_in_mid_cycle(self, kind, stop):
        options = {} if kind == "am1" else {"indices": None, "seed": 9}
        straight, resumed = parameters(torch.float32), parameters(torch.float32)
        optimizer = make(kind, straight, **options)
        for k in range(14):
            give(straight, gradients(k, torch.float32))
            optimizer.step()
        first = make(kind, resumed, **options)
        for k in range(stop):
            give(resumed, gradients(k, torch.float32))
            first.step()
        file = io.BytesIO()
        torch.save(first.state_dict(), file)
        file.seek(0)
        continued = [nn.Parameter(p.detach().clone()) for p in resumed]
        second = make(kind, continued, lr=99.0, **(options | ({} if kind == "am1" else {"seed": 1})))
        second.load_state_dict(torch.load(file, weights_only=True))
        for k in range(stop, 14):
            give(continued, gradients(k, torch.float32))
            second.step()
        assert all(torch.equal(p, q) for p, q in zip(straight, continued, strict=True))
        assert all(
            torch.equal(p, q)
            for p, q in zip(output_of(optimizer, straight), output_of(second, continued), strict=True)
        )

    @both
    @pytest.mark.parametrize("copy_of", [copy.deepcopy, lambda pair: pickle.loads(pickle.dumps(pair))])
    def test_copies_go_on_alike(self, kind, copy_of):
        params = parameters()
        optimizer = make(kind, params)
        for k in range(6):
            give(params, gradients(k))
            optimizer.step()
        other_params, other = copy_of((params, optimizer))
        for k in range(6, 12):
            for ps, opt in ((params, optimizer), (other_params, other)):
                give(ps, gradients(k))
                opt.step()
        assert all(torch.equal(p, q) for p, q in zip(params, other_params, strict=True))

    @both
    @forms
    def test_a_parameter_without_a_gradient_is_passed_over(self, kind, foreach):
        """Its trajectory is the rule on the steps at which it had one; the others' is not touched."""
        params = parameters()
        options = {} if kind == "am1" else {"indices": [0] * 60}
        optimizer = make(kind, params, foreach=foreach, **options)
        rule = rules.am1(m=4) if kind == "am1" else rules.am2(m=4, indices=[0] * 60)
        states = [rule.init(p.detach().clone()) for p in params]
        for k in range(30):
            give(params, gradients(k))
            for index, p in enumerate(params):
                if (k + index) % 3 == 0:
                    p.grad = None
                else:
                    states[index] = rule.step(states[index], gradients(k)[index], 0.1)
            optimizer.step()
        for p, state in zip(params, states, strict=True):
            torch.testing.assert_close(p.detach(), rule.outputs(state)["I"])

    def test_parameter_groups_keep_their_own_hyperparameters(self):
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
        for p, state in zip((first, second), states, strict=True):
            torch.testing.assert_close(p.detach(), state.x)

    def test_a_group_added_in_mid_training_starts_its_own_cycle(self):
        params = parameters()
        optimizer = AM1SGD(params[:3], 0.1, m=4)
        for k in range(6):
            give(params[:3], gradients(k)[:3])
            optimizer.step()
        optimizer.add_param_group({"params": [params[3]]})
        rule = rules.am1(m=4)
        state = rule.init(params[3].detach().clone())
        for k in range(6):
            give(params[:4], gradients(k)[:4])
            optimizer.step()
            state = rule.step(state, gradients(k)[3], 0.1)
        torch.testing.assert_close(params[3].detach(), state.x)

    @both
    def test_a_closure_is_called_with_gradients_enabled_and_its_loss_returned(self, kind):
        p = nn.Parameter(torch.tensor([2.0], dtype=torch.float64))
        optimizer = make(kind, [p])

        def closure():
            optimizer.zero_grad()
            loss = (p**2).sum()
            loss.backward()
            return loss

        assert optimizer.step(closure).item() == 4.0
        assert p.item() == pytest.approx(2 - 0.1 * 4)

    @both
    def test_a_tensor_learning_rate_works(self, kind):
        params = parameters()
        optimizer = make(kind, params, lr=torch.tensor(0.1, dtype=torch.float64))
        other = parameters()
        plain = make(kind, other)
        for k in range(5):
            for ps, opt in ((params, optimizer), (other, plain)):
                give(ps, gradients(k))
                opt.step()
        assert all(torch.equal(p, q) for p, q in zip(params, other, strict=True))


class TestRefusals:
    @both
    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"lr": -1.0}, "learning rate"),
            ({"momentum": 1.0}, "momentum"),
            ({"momentum": -0.1}, "momentum"),
            ({"m": 0}, "amortization"),
            ({"m": 2.5}, "amortization"),
            ({"weight_decay": -1}, "weight decay"),
            ({"fused": True}, "fused"),
            ({"compile": True}, "compile"),
        ],
    )
    def test_bad_arguments_are_named(self, kind, options, message):
        with pytest.raises(ValueError, match=message):
            make(kind, parameters(), **options)

    @both
    def test_complex_parameters_and_sparse_gradients_are_refused(self, kind):
        with pytest.raises(ValueError, match="complex"):
            make(kind, [nn.Parameter(torch.zeros(2, dtype=torch.complex64))])
        embedding = nn.Embedding(5, 2, sparse=True)
        optimizer = make(kind, embedding.parameters())
        embedding(torch.tensor([1])).sum().backward()
        with pytest.raises(RuntimeError, match="sparse"):
            optimizer.step()
