"""State: there from the start, saved and resumed bit for bit, and handled by what trains models for people."""

import copy
import io
import pickle
import warnings

import pytest
import torch
import torch.distributed.checkpoint as dcp
from stepping import KINDS, MAIN, assert_close, assert_same, output_of, parameters, steps
from torch import nn
from torch.distributed.checkpoint.state_dict import (
    StateDictOptions,
    get_optimizer_state_dict,
    set_optimizer_state_dict,
)

from amrobust.optim import AM1SGD, AM2SGD, restart_on_drop

SHAPES = [(3,), (2, 3), ()]
every_kind = pytest.mark.parametrize("name", MAIN)
sampled = {"am2": {"indices": None, "seed": 9}}
FORMS = {"loop": {"foreach": False}, "fused": {"fused": True}, "capturable": {"capturable": True}}


def clones(params):
    return [nn.Parameter(p.detach().clone()) for p in params]


def through_a_file(state_dict):
    file = io.BytesIO()
    torch.save(state_dict, file)
    file.seek(0)
    return torch.load(file, weights_only=True)


class TestResuming:
    @every_kind
    @pytest.mark.parametrize("stop", [0, 1, 2, 3, 4, 6, 9])
    @pytest.mark.parametrize("form", FORMS)
    @pytest.mark.parametrize("decoupled", [False, True], ids=["coupled", "decoupled"])
    def test_it_goes_on_bit_for_bit_from_any_place_of_the_cycle(self, name, stop, form, decoupled):
        if name == "am2" and form == "capturable":
            pytest.skip("AM2-SGD is not capturable")
        options = sampled.get(name, {}) | FORMS[form]
        options |= {"weight_decay": 0.1, "decoupled_weight_decay": decoupled}
        straight = parameters(torch.float32, SHAPES)
        optimizer = KINDS[name].make(straight, **options)
        steps(optimizer, straight, range(14))
        begun = parameters(torch.float32, SHAPES)
        first = KINDS[name].make(begun, **options)
        steps(first, begun, range(stop))
        resumed = clones(begun)
        second = KINDS[name].make(
            resumed, **(options | {"lr": 99.0, "weight_decay": 7.0} | ({"seed": 1} if name == "am2" else {}))
        )
        second.load_state_dict(through_a_file(first.state_dict()))
        steps(second, resumed, range(stop, 14))
        assert_same(straight, resumed)
        assert_same(output_of(optimizer, straight), output_of(second, resumed))

    @every_kind
    @pytest.mark.parametrize("stop", [1, 2, 3, 5])
    def test_another_form_can_go_on(self, name, stop):
        options = sampled.get(name, {})
        straight, resumed = parameters(shapes=SHAPES), parameters(shapes=SHAPES)
        steps(KINDS[name].make(straight, **options), straight, range(12))
        first = KINDS[name].make(resumed, fused=True, **options)
        steps(first, resumed, range(stop))
        saved = first.state_dict()
        for group in saved["param_groups"]:
            group.update(fused=None, foreach=False)
        second = KINDS[name].make(resumed, foreach=False, **options)
        second.load_state_dict(saved)
        steps(second, resumed, range(stop, 12))
        assert_close(straight, resumed)

    @every_kind
    def test_states_saved_without_an_option_get_its_default(self, name):
        params = parameters(shapes=SHAPES)
        optimizer = KINDS[name].make(params)
        saved = copy.deepcopy(optimizer.state_dict())
        for option in ("maximize", "foreach", "fused", "compile", "capturable", "decoupled_weight_decay"):
            del saved["param_groups"][0][option]
        optimizer.load_state_dict(saved)
        steps(optimizer, params, range(3))

    @every_kind
    @pytest.mark.parametrize(
        "copy_of", [copy.deepcopy, lambda pair: pickle.loads(pickle.dumps(pair))], ids=["deepcopy", "pickle"]
    )
    def test_copies_go_on_alike_and_share_nothing(self, name, copy_of):
        params = parameters(shapes=SHAPES)
        optimizer = KINDS[name].make(params)
        steps(optimizer, params, range(6))
        other_params, other = copy_of((params, optimizer))
        steps(optimizer, params, range(6, 12))
        steps(other, other_params, range(6, 12))
        assert_same(params, other_params)

    def test_am2_keeps_its_table_by_pointer(self):
        (p,) = parameters(shapes=[(50,)])
        optimizer = AM2SGD([p], 0.1, m=4, seed=0)
        state = optimizer.state[p]
        memory = {t.data_ptr() for t in state.values() if isinstance(t, torch.Tensor)}
        assert len(memory) == 5
        steps(optimizer, [p], range(20))
        assert {t.data_ptr() for t in state.values() if isinstance(t, torch.Tensor)} == memory


class TestFromTheStart:
    @every_kind
    def test_every_entry_is_there_before_the_first_step(self, name):
        params = parameters(shapes=SHAPES)
        optimizer = KINDS[name].make(params)
        before = [
            (
                list(optimizer.state[p]),
                [t.shape for t in optimizer.state[p].values() if isinstance(t, torch.Tensor)],
            )
            for p in params
        ]
        steps(optimizer, params, range(7))
        after = [
            (
                list(optimizer.state[p]),
                [t.shape for t in optimizer.state[p].values() if isinstance(t, torch.Tensor)],
            )
            for p in params
        ]
        assert before == after

    @every_kind
    def test_frozen_parameters_cost_no_memory(self, name):
        params = parameters(shapes=SHAPES)
        params[1].requires_grad_(False)
        optimizer = KINDS[name].make(params)
        assert params[1] not in optimizer.state

    @every_kind
    def test_lazy_parameters_start_when_they_are_there(self, name):
        layer = nn.LazyLinear(2)
        optimizer = KINDS[name].make(layer.parameters())
        layer(torch.ones(1, 3)).sum().backward()
        before = layer.weight.detach().clone()
        optimizer.step()
        assert not torch.equal(layer.weight, before)

    @every_kind
    @pytest.mark.parametrize("flatten", [False, True], ids=["nested", "flat"])
    @pytest.mark.parametrize("stop", [0, 2, 5])
    def test_a_distributed_checkpoint_neither_steps_nor_loses_anything(self, name, flatten, stop, tmp_path):
        options = StateDictOptions(flatten_optimizer_state_dict=flatten)
        sampling = sampled.get(name, {})

        def made():
            torch.manual_seed(4)
            model = nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 1, bias=False))
            model[0].bias.requires_grad_(False)
            return model, [p for p in model.parameters() if p.requires_grad]

        model, params = made()
        optimizer = KINDS[name].make(model.parameters(), **sampling)
        steps(optimizer, params, range(stop))
        saved = {"optimizer": get_optimizer_state_dict(model, optimizer, options=options)}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch warns that there is one process
            dcp.save(saved, checkpoint_id=tmp_path / "checkpoint")
        resumed, resumed_params = made()
        resumed.load_state_dict(model.state_dict())
        second = KINDS[name].make(resumed.parameters(), **sampling)
        template = {"optimizer": get_optimizer_state_dict(resumed, second, options=options)}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            dcp.load(template, checkpoint_id=tmp_path / "checkpoint")
        set_optimizer_state_dict(resumed, second, template["optimizer"], options=options)
        steps(optimizer, params, range(stop, 12))
        steps(second, resumed_params, range(stop, 12))
        assert_same(params, resumed_params)


def moved(value):
    """What Lightning's and accelerate's device moves do: every tensor replaced, containers rebuilt by their type."""
    if isinstance(value, torch.Tensor):
        return value.clone()
    if isinstance(value, dict):
        return type(value)({key: moved(entry) for key, entry in value.items()})
    if isinstance(value, (list, tuple)):
        return type(value)(moved(entry) for entry in value)
    return value


class TestTrainers:
    @every_kind
    @pytest.mark.parametrize("stop", [0, 3])
    def test_a_state_that_is_moved_and_loaded_back_goes_on(self, name, stop):
        """accelerate does so when a training is prepared, before the first step."""
        params, others = parameters(shapes=SHAPES), parameters(shapes=SHAPES)
        optimizer, other = KINDS[name].make(params), KINDS[name].make(others)
        steps(optimizer, params, range(stop))
        steps(other, others, range(stop))
        optimizer.load_state_dict(moved(optimizer.state_dict()))
        steps(optimizer, params, range(stop, 9))
        steps(other, others, range(stop, 9))
        assert_same(params, others)

    @every_kind
    def test_a_state_whose_tensors_are_replaced_in_place_goes_on(self, name):
        """Lightning moves ``optimizer.state`` itself."""
        params, others = parameters(shapes=SHAPES), parameters(shapes=SHAPES)
        optimizer, other = KINDS[name].make(params), KINDS[name].make(others)
        for some, of in ((params, optimizer), (others, other)):
            steps(of, some, range(3))
        for p, state in optimizer.state.items():
            optimizer.state[p] = moved(state)
        for some, of in ((params, optimizer), (others, other)):
            steps(of, some, range(3, 9))
        assert_same(params, others)

    @every_kind
    def test_entries_are_tensors_like_the_parameter_or_numbers(self, name):
        params = parameters(shapes=SHAPES)
        optimizer = KINDS[name].make(params, decoupled_weight_decay=True)
        steps(optimizer, params, range(3))
        saved = optimizer.state_dict()
        for index, p in enumerate(params):
            for value in saved["state"][index].values():
                assert isinstance(value, int) or (value.shape, value.dtype) == (p.shape, p.dtype)

    @every_kind
    def test_the_cycle_survives_a_training_whose_step_is_patched(self, name):
        """Schedulers and accelerate replace ``step`` on the instance; copies must not carry that with them."""
        params = parameters(shapes=SHAPES)
        optimizer = KINDS[name].make(params)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda epoch: 0.5**epoch)
            for k in range(3):
                steps(optimizer, params, [k])
                schedule.step()
            assert optimizer.param_groups[0]["initial_lr"] == 0.1
            resumed = clones(params)
            second = KINDS[name].make(resumed)
            second.load_state_dict(through_a_file(optimizer.state_dict()))
            again = torch.optim.lr_scheduler.LambdaLR(second, lambda epoch: 0.5**epoch, last_epoch=2)
            again.load_state_dict(schedule.state_dict())
            for k in range(3, 7):
                for some, of, scheduler in ((params, optimizer, schedule), (resumed, second, again)):
                    steps(of, some, [k])
                    scheduler.step()
        assert second.param_groups[0]["lr"] == optimizer.param_groups[0]["lr"]
        copy.deepcopy(optimizer).step()

    def test_a_scheduler_may_cycle_the_momentum(self):
        params = parameters(shapes=SHAPES)
        optimizer = AM1SGD(params, 0.1)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.1, total_steps=10)
        seen = set()
        for k in range(9):
            steps(optimizer, params, [k])
            schedule.step()
            seen.add(optimizer.param_groups[0]["momentum"])
        assert len(seen) == 9

    @every_kind
    def test_hooks_before_and_after_a_step_are_called(self, name):
        params = parameters(shapes=SHAPES)
        optimizer = KINDS[name].make(params)
        called = []
        optimizer.register_step_pre_hook(lambda *_: called.append("before"))
        optimizer.register_step_post_hook(lambda *_: called.append("after"))
        steps(optimizer, params, [0])
        assert called == ["before", "after"]

    def test_a_watch_for_drops_is_in_the_state_dict(self):
        params = parameters(shapes=SHAPES)
        optimizer = AM1SGD(params, torch.tensor(0.1, dtype=torch.float64))
        restart_on_drop(optimizer)
        steps(optimizer, params, [0])
        assert through_a_file(optimizer.state_dict())["param_groups"][0]["lr_at_last_step"] == 0.1


class TestMixedPrecision:
    @every_kind
    def test_steps_that_the_scaler_skips_do_not_advance_the_cycle(self, name):
        params, others = parameters(torch.float32, SHAPES), parameters(torch.float32, SHAPES)
        optimizer, plain = KINDS[name].make(params, fused=True), KINDS[name].make(others, fused=True)
        scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
        for k in range(11):
            overflow = k in (2, 7)
            optimizer.zero_grad()
            targets = [g.float() for g in parameters(torch.float64, SHAPES)]
            loss = sum((p * t * (k + 1)).sum() for p, t in zip(params, targets, strict=True))
            scaler.scale(loss * (float("inf") if overflow else 1.0)).backward()
            scaler.step(optimizer)
            scaler.update(1024.0)
            if not overflow:
                for p, t in zip(others, targets, strict=True):
                    p.grad = (t * (k + 1)).detach()
                plain.step()
        assert_same(params, others)

    @every_kind
    def test_autocast_to_bf16_trains_full_precision_parameters(self, name):
        torch.manual_seed(0)
        model = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1))
        optimizer = KINDS[name].make(model.parameters(), lr=0.05)
        x = torch.randn(64, 4)
        y = x[:, :1] - x[:, 1:2]
        losses = []
        for _ in range(60):
            optimizer.zero_grad()
            with torch.autocast("cpu", torch.bfloat16):
                loss = (model(x) - y).square().mean()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        assert losses[-1] < 0.3 * losses[0]
