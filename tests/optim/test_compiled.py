"""The compiled form: the rule, compiled once for all learning rates, and what happens without a compiler."""

import os
import subprocess
import sys

import pytest
import torch
from stepping import KINDS, MAIN, assert_close, assert_same, follow, give, gradients, parameters, steps

from amrobust.optim import AM1SGD, compiled


class Counter:
    """A backend that runs what was traced and counts the traces."""

    def __init__(self):
        self.traces = 0

    def __call__(self, graph, inputs):
        self.traces += 1
        return graph.forward


@pytest.fixture
def counter(monkeypatch):
    counter = Counter()
    monkeypatch.setattr(compiled, "BACKEND", counter)
    return counter


slow = pytest.mark.slow


@pytest.mark.parametrize(
    "name", ["am1", "am2", *(pytest.param(name, marks=slow) for name in KINDS if name not in ("am1", "am2"))]
)
def test_the_rule_traced_for_a_compiler(name, monkeypatch):
    monkeypatch.setattr(compiled, "BACKEND", "aot_eager")
    follow(name, compile=True)


@slow
@pytest.mark.parametrize("name", MAIN)
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"maximize": True},
        {"dtype": torch.complex128},
        {"capturable": True},
        {"decoupled_weight_decay": True},
    ],
    ids=lambda options: "-".join(options) or "plain",
)
def test_the_rule_compiled(name, options):
    if name == "am2" and "capturable" in options:
        pytest.skip("AM2-SGD is not capturable")
    if "decoupled_weight_decay" in options:
        ones, others = parameters(), parameters()
        for params, form in ((ones, {"compile": True}), (others, {"foreach": False})):
            steps(KINDS[name].make(params, weight_decay=0.3, **form, **options), params, range(14))
        assert_close(ones, others)
    else:
        follow(name, compile=True, **options)
    assert any(function is not None for function in compiled._functions.values())


@pytest.mark.parametrize("name", ["am1", "am2"])
def test_a_step_is_not_compiled_again_for_another_rate_or_momentum(name, counter):
    params = parameters(shapes=[(3,), (2, 3)])
    optimizer = KINDS[name].make(params, compile=True)
    for k in range(48):
        if k == 24:
            first = counter.traces
        if k >= 24:
            optimizer.param_groups[0].update(lr=0.1 / k, momentum=0.9 - 0.01 * k, weight_decay=1 / k)
        give(params, gradients(k, shapes=[(3,), (2, 3)]))
        optimizer.step()
    assert counter.traces == first == {"am1": 3, "am2": 2}[name]


def test_many_groups_are_all_compiled(counter):
    """Dynamo gives up on a function after 8 variants; a function here has one."""
    params = parameters(shapes=[(size,) for size in range(1, 11)])
    optimizer = AM1SGD([{"params": [p]} for p in params], 0.1, compile=True)
    steps(optimizer, params, [0])
    assert counter.traces == 10


def test_scalars_of_parameters_are_updated_in_float64(monkeypatch):
    monkeypatch.setattr(compiled, "BACKEND", "aot_eager")
    (p,) = parameters(shapes=[()])
    start = p.item()
    steps(AM1SGD([p], 0.1, compile=True), [p], [0])
    (gradient,) = gradients(0, shapes=[()])
    assert p.item() == pytest.approx(start - 0.1 * gradient.item())


class TestWithoutACompiler:
    @pytest.mark.parametrize("name", MAIN)
    def test_a_failing_compiler_is_asked_once_and_foreach_steps_instead(self, name, monkeypatch, recwarn):
        asked = []

        def failing(graph, inputs):
            asked.append(graph)
            raise FileNotFoundError("no C++ compiler")

        monkeypatch.setattr(compiled, "BACKEND", failing)
        ones, others = parameters(torch.float32), parameters(torch.float32)
        steps(KINDS[name].make(ones, compile=True), ones, range(12))
        steps(KINDS[name].make(others, foreach=True), others, range(12))
        assert_same(ones, others)
        assert 0 < len(asked) <= 4
        assert not recwarn.list

    def test_a_python_without_torch_compile(self, monkeypatch):
        def missing(*_, **__):
            raise RuntimeError("Dynamo is not supported on this Python")

        monkeypatch.setattr(torch, "compile", missing)
        ones, others = parameters(shapes=[(7,)]), parameters(shapes=[(7,)])
        steps(AM1SGD(ones, 0.1, compile=True), ones, range(12))
        steps(AM1SGD(others, 0.1), others, range(12))
        assert_same(ones, others)

    @slow
    def test_a_machine_without_one(self, tmp_path):
        code = (
            "import torch\n"
            "from amrobust.optim import AM1SGD, compiled\n"
            "def trained(**options):\n"
            "    p = torch.nn.Parameter(torch.arange(5.0))\n"
            "    optimizer = AM1SGD([p], 0.1, **options)\n"
            "    for k in range(8):\n"
            "        p.grad = torch.sin(k + p.detach())\n"
            "        optimizer.step()\n"
            "    return p\n"
            "assert torch.equal(trained(compile=True), trained())\n"
            "assert set(compiled._functions.values()) == {None}\n"
        )
        environment = os.environ | {
            "CXX": "/nowhere/c++",
            "TORCHINDUCTOR_CACHE_DIR": str(tmp_path),
            "PATH": str(tmp_path),
        }
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=False
        )
        assert done.returncode == 0, done.stderr
        assert not done.stderr


class TestInsideACompiledTrainingStep:
    @pytest.mark.parametrize("name", MAIN)
    def test_the_optimizer_steps_as_it_does_outside(self, name):
        def trained(wrap):
            torch.manual_seed(0)
            torch._dynamo.reset()
            model = torch.nn.Sequential(
                torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Linear(4, 1)
            ).double()
            params = list(model.parameters())
            optimizer = KINDS[name].make(params)

            def step(x):
                optimizer.zero_grad()
                loss = model(x).square().mean()
                loss.backward()
                optimizer.step()
                return loss.detach()

            step = wrap(step)
            x = torch.randn(5, 3, dtype=torch.float64)
            losses = [step(x) for _ in range(9)]
            return [*params, *losses]

        assert_same(trained(lambda step: step), trained(lambda step: torch.compile(step, backend="eager")))
