"""The output point in the parameters: by pointer or by copy, bit for bit back, and nothing that would mix the two."""

import copy

import pytest
import torch
from stepping import AMORTIZED, EVERY, KINDS, assert_close, assert_same, output_of, parameters, steps
from torch import nn

from amrobust.optim import AM1SGD, AM2SGD, NTASGD, batch_norm_statistics

every_kind = pytest.mark.parametrize("name", AMORTIZED)


@every_kind
def test_the_iterate_comes_back_as_the_same_memory(name):
    params = parameters(torch.float32)
    optimizer = KINDS[name].make(params)
    steps(optimizer, params, range(6))
    before = [(p.data_ptr(), p.detach().clone()) for p in params]
    with optimizer.output_point():
        assert not torch.equal(params[3], before[3][1])
    for p, (pointer, value) in zip(params, before, strict=True):
        assert p.data_ptr() == pointer
        assert torch.equal(p, value)


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("own", [own for own in EVERY if hasattr(own, "output_point")])
def test_a_model_that_was_cast_has_its_dtype_at_the_output_point_too(own, dtype):
    torch.manual_seed(0)
    model = nn.Linear(3, 2)
    optimizer = own(model.parameters(), lr=0.1)
    if own is NTASGD:
        for loss in range(7):
            optimizer.observe(loss)
    params = list(model.parameters())
    steps(optimizer, params, range(7))
    before = output_of(optimizer, params)
    model.to(dtype)
    iterate = [p.detach().clone() for p in params]
    with optimizer.output_point():
        assert {p.dtype for p in params} == {dtype}
        assert model(torch.ones(1, 3, dtype=dtype)).dtype == dtype
        assert_same(params, [point.to(dtype) for point in before])
        assert not torch.equal(params[0], iterate[0])
    assert_same(params, iterate)
    steps(optimizer, params, [7])
    assert {p.dtype for p in params} == {dtype}


@every_kind
def test_views_of_a_flat_buffer_stay_views_of_it(name):
    flat = torch.randn(7, dtype=torch.float64)
    views = [nn.Parameter(flat[:3]), nn.Parameter(flat[3:])]
    others = [nn.Parameter(view.detach().clone()) for view in views]
    optimizer, other = KINDS[name].make(views), KINDS[name].make(others)
    steps(optimizer, views, range(6))
    steps(other, others, range(6))
    before = flat.clone()
    with optimizer.output_point():
        assert_same([flat], [torch.cat(output_of(other, others))])
    assert_same([flat], [before])


@every_kind
def test_a_captured_graph_would_read_the_same_memory(name):
    if name == "am2":
        pytest.skip("AM2-SGD is not capturable")
    params = parameters()
    optimizer = KINDS[name].make(params, capturable=True)
    steps(optimizer, params, range(6))
    pointers = [p.data_ptr() for p in params]
    before = [p.detach().clone() for p in params]
    with optimizer.output_point():
        assert [p.data_ptr() for p in params] == pointers
        assert not torch.equal(params[3], before[3])
    assert_same(params, before)


@every_kind
def test_it_comes_back_after_an_error_too(name):
    params = parameters()
    optimizer = KINDS[name].make(params)
    steps(optimizer, params, [0])
    pointer = params[3].data_ptr()
    with pytest.raises(KeyError), optimizer.output_point():
        raise KeyError
    assert params[3].data_ptr() == pointer
    optimizer.step()


@every_kind
def test_what_would_mix_the_points_is_refused_meanwhile(name):
    params = parameters()
    optimizer = KINDS[name].make(params)
    steps(optimizer, params, [0])
    saved = optimizer.state_dict()
    extra = nn.Parameter(torch.zeros(2))
    with optimizer.output_point():
        for call in (
            optimizer.step,
            optimizer.restart,
            optimizer.state_dict,
            lambda: optimizer.load_state_dict(saved),
            lambda: optimizer.add_param_group({"params": [extra]}),
            lambda: optimizer.output_point().__enter__(),
            lambda: copy.deepcopy(optimizer),
        ):
            with pytest.raises(RuntimeError, match="output_point"):
                call()


@every_kind
def test_before_the_first_step_it_is_the_parameter_itself(name):
    params = parameters(torch.float32)
    optimizer = KINDS[name].make(params)
    with torch.no_grad():
        params[2].add_(1.0)  # loading weights after making the optimizer
    assert_same(output_of(optimizer, params), params)


@every_kind
def test_the_rule_starts_from_where_the_parameters_are_at_the_first_step(name):
    """Weights are often loaded after the optimizer is made, and models moved and cast."""
    params = parameters(torch.float32, [(2, 3)])
    optimizer = KINDS[name].make(params)
    with torch.no_grad():
        params[0].add_(5.0)
    params[0].data = params[0].data.double()
    moved = [nn.Parameter(params[0].detach().clone())]
    steps(optimizer, params, range(9))
    other = KINDS[name].make(moved)
    steps(other, moved, range(9))
    assert_same(params, moved)
    assert_same(output_of(optimizer, params), output_of(other, moved))


def test_the_mean_of_a_half_precision_table_is_taken_in_full():
    (p,) = parameters(torch.bfloat16, [(500,)])
    optimizer = AM2SGD([p], 0.5, m=20, seed=0)
    steps(optimizer, [p], range(60))
    rows = torch.stack([optimizer.state[p][f"row_{index}"] for index in range(20)])
    assert_same(output_of(optimizer, [p]), [rows.float().mean(0).bfloat16()])


def test_the_model_computes_at_the_output_point():
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


class TestBatchNormStatistics:
    def model(self):
        torch.manual_seed(3)
        model = nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.Dropout(0.5), nn.Linear(6, 1)).double()
        data = torch.randn(40, 4, dtype=torch.float64)
        optimizer = AM1SGD(model.parameters(), 0.1, m=3)
        for batch in data.split(10):
            optimizer.zero_grad()
            model(batch).square().mean().backward()
            optimizer.step()
        return model, optimizer, data

    def test_they_are_those_of_the_batches_at_the_output_point_and_come_back(self):
        model, optimizer, data = self.model()
        norm = model[1]
        before = [buffer.clone() for buffer in norm.buffers()]
        batches = [(batch, None) for batch in data.split(10)]
        with optimizer.output_point(), batch_norm_statistics(model, batches):
            with torch.no_grad():
                inputs = [model[0](batch) for batch, _ in batches]
            assert_close([norm.running_mean], [torch.stack([i.mean(0) for i in inputs]).mean(0)])
            assert_close([norm.running_var], [torch.stack([i.var(0) for i in inputs]).mean(0)])
        assert_same(list(norm.buffers()), before)

    def test_modes_momenta_and_random_numbers_are_put_back(self):
        model, optimizer, data = self.model()
        model[1].eval()
        state = torch.get_rng_state()
        with optimizer.output_point(), batch_norm_statistics(model, data.split(10)):
            assert [module.training for module in model] == [True, False, True, True]
            assert model[1].momentum == 0.1
        assert torch.equal(torch.get_rng_state(), state)

    def test_they_come_back_when_the_batches_fail(self):
        model, _, data = self.model()
        before = [buffer.clone() for buffer in model.buffers()]

        def failing():
            yield data[:10]
            raise OSError("the loader is gone")

        with pytest.raises(OSError, match="loader"), batch_norm_statistics(model, failing()):
            pass
        assert_same(list(model.buffers()), before)
        assert all(module.training for module in model)
        assert model[1].momentum == 0.1

    def test_a_model_without_them_makes_no_pass(self):
        def never():
            raise AssertionError
            yield  # which makes it a generator

        with batch_norm_statistics(nn.Linear(2, 1), never()):
            pass


def test_the_whole_history_is_averaged_where_m_is_the_number_of_steps():
    (p,) = parameters(shapes=[(3,)])
    optimizer = AM1SGD([p], 0.1, m=10, momentum=0.0)
    points = []
    for k in range(10):
        steps(optimizer, [p], [k])
        points.append(p.detach().clone())
    assert_close(output_of(optimizer, [p]), [torch.stack(points).mean(0)])
