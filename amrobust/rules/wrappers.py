"""The averaging family: what can be put around any method's step, one definition each for rules and for torch optimizers.

A method takes its step at a base point w; a wrapper says where w is, where the gradient is taken (x) and which point is the
result (option II). Each is a :class:`Wrapper` of pure functions of arrays; :func:`wrapped` makes a rule of it and of a rule,
:class:`amrobust.optim.WrappedOptimizer` an optimizer of it and of any torch optimizer. Below, t = 1, 2, … counts steps, w_t is
the base point after the method's step, and x_t the point of the next gradient.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from amrobust.rules.rule import Array, Rule, State


class Wrapper(NamedTuple):
    """What is put around a method's step.

    ``init(x0)`` makes a state, a NamedTuple of arrays, tuples of arrays and numbers; ``base(state, x, lr)`` is the point at
    which the method steps; ``after(state, w, lr)`` the next state and the next x, from the w that the method has come to;
    ``output(state, x)`` is option II. Where ``moves`` is true the gradient is taken at another point than the method's.
    """

    name: str
    init: Callable[[Array], State]
    base: Callable[[State, Array, float], Array]
    after: Callable[[State, Array, float], tuple[State, Array]]
    output: Callable[[State, Array], Array]
    moves: bool = False
    first: int = 1
    """The first step after which option II is no longer x0."""


class WrappedState(NamedTuple):
    """Where the next gradient is taken, the method's own state, and the wrapper's."""

    x: Array
    inner: State
    own: State


def wrapped(rule: Rule, wrapper: Wrapper) -> Rule:
    """``rule`` inside ``wrapper``: option I is x, where gradients are taken, option II the wrapper's output."""

    def init(x0: Array) -> WrappedState:
        return WrappedState(x0, rule.init(x0), wrapper.init(x0))

    def step(state: WrappedState, gradient: Array, lr: float) -> WrappedState:
        base = wrapper.base(state.own, state.x, lr)
        inner = rule.step(state.inner._replace(x=base), gradient, lr)
        own, x = wrapper.after(state.own, inner.x, lr)
        return WrappedState(x, inner._replace(x=x), own)

    def outputs(state: WrappedState) -> dict[str, Array]:
        return {"I": state.x, "II": wrapper.output(state.own, state.x)}

    def reset(state: WrappedState, point: Array) -> WrappedState:
        return WrappedState(point, rule.reset_to(state.inner, point), wrapper.init(point))

    return Rule(f"{wrapper.name}({rule.name})", init, step, outputs, reset=reset, backend=rule.backend)


def _at_x(state: Any, x: Array, lr: float) -> Array:
    return x


class MeanState(NamedTuple):
    """The mean, and over how many points it is; the steps done."""

    mean: Array
    points: int = 0
    steps: int = 0


def ema(decay: float = 0.999) -> Wrapper:
    """The exponential moving average of the iterates: e_1 = w_1, e_t = δ e_{t−1} + (1 − δ) w_t, with δ = ``decay``.

    ``torch.optim.swa_utils.AveragedModel`` with ``get_ema_multi_avg_fn(decay)``, updated after every step.
    """

    def after(state: MeanState, w: Array, lr: float) -> tuple[MeanState, Array]:
        mean = w if not state.points else decay * state.mean + (1 - decay) * w
        return MeanState(mean, 1), w

    return Wrapper("ema", MeanState, _at_x, after, lambda state, x: state.mean)


def swa(start: int = 0, every: int = 1) -> Wrapper:
    """Stochastic weight averaging: the mean of w_t over t = ``start`` + every, ``start`` + 2·every, …; x_t before there is one.

    Izmailov et al. (1803.05407), where ``every`` is a cycle of the learning rate, or an epoch under a constant one;
    ``torch.optim.swa_utils.AveragedModel`` updated at these steps. ``start`` = 0, ``every`` = 1 is Polyak and Ruppert's mean.
    """

    def after(state: MeanState, w: Array, lr: float) -> tuple[MeanState, Array]:
        steps, mean, count = state.steps + 1, state.mean, state.points
        if steps > start and (steps - start) % every == 0:
            count += 1
            mean = w if count == 1 else mean + (w - mean) / count
        return MeanState(mean, count, steps), w

    return Wrapper("swa", MeanState, _at_x, after, lambda state, x: state.mean if state.points else x)


class WindowState(NamedTuple):
    """The points that are averaged, the latest last; the steps done."""

    latest: tuple[Array, ...] = ()
    steps: int = 0


def tail(window: int = 5, every: int = 1) -> Wrapper:
    """The mean of the last ``window`` of the points w_every, w_2·every, … (latest weight averaging); x_t before there is one.

    Kaddour, "Stop wasting my time! Saving days of ImageNet and BERT training with latest weight averaging" (2209.14981): there
    ``every`` is an epoch. The points are kept, so that the mean is exact. (:func:`amrobust.rules.tail_average` with
    ``every`` = 1 replaces a rule's own outputs.)
    """

    def after(state: WindowState, w: Array, lr: float) -> tuple[WindowState, Array]:
        steps = state.steps + 1
        # A copy: optimizers write to their parameters in place.
        latest = (*state.latest, w + 0.0)[-window:] if steps % every == 0 else state.latest
        return WindowState(latest, steps), w

    def output(state: WindowState, x: Array) -> Array:
        if not state.latest:
            return x
        total = state.latest[0]
        for point in state.latest[1:]:
            total = total + point
        return total / len(state.latest)

    return Wrapper("tail", lambda x0: WindowState(), _at_x, after, output)


class SlowState(NamedTuple):
    """The slow point, and the steps done since it last moved."""

    slow: Array
    position: int = 0


def lookahead(k: int = 5, alpha: float = 0.5) -> Wrapper:
    """Lookahead: every k-th step φ ← φ + α(w − φ) and x ← φ; φ_0 = x_0. The result is φ; the method's own state goes on.

    Zhang, Lucas, Hinton and Ba, "Lookahead Optimizer: k steps forward, 1 step back" (1907.08610), Algorithm 1, with their k
    and α. α = 1 is the method itself.
    """

    def after(state: SlowState, w: Array, lr: float) -> tuple[SlowState, Array]:
        if state.position + 1 < k:
            return SlowState(state.slow, state.position + 1), w
        slow = state.slow + alpha * (w - state.slow)
        return SlowState(slow), slow

    return Wrapper("lookahead", SlowState, _at_x, after, lambda state, x: state.slow, first=k)


class AmortizedState(NamedTuple):
    """The output point, the sum of this cycle's points, and how many they are."""

    output: Array
    total: Array
    position: int = 0


def amortized(beta: float = 0.9, m: int = 5) -> Wrapper:
    """Amortized momentum around any step: every m-th step x̃⁺ = the mean of the last m points w, x ← w + β(x̃⁺ − x̃); x̃_0 = x_0.

    With SGD's step this is AM1-SGD (Algorithm 2 of the paper). Around another method's it is ours and no paper's: Nadam puts
    Nesterov's momentum into Adam's step, ``am1(adamw)`` with ``beta1`` = 0 the amortized one ("amortized Nadam").
    """

    def after(state: AmortizedState, w: Array, lr: float) -> tuple[AmortizedState, Array]:
        total = state.total + w
        if state.position + 1 < m:
            return AmortizedState(state.output, total, state.position + 1), w
        output = total / m
        return AmortizedState(output, 0.0 * total), w + beta * (output - state.output)

    return Wrapper(
        "am1", lambda x0: AmortizedState(x0, 0.0 * x0), _at_x, after, lambda state, x: state.output, first=m
    )


class PrimalState(NamedTuple):
    """The base point z, the average, and what weights of learning rates it is made with."""

    z: Array
    average: Array
    weights: float = 0.0
    largest: float = 0.0


def gpa(mu_x: float = 0.9, mu_y: float = 0.9) -> Wrapper:
    """Generalized Primal Averaging: z⁺ = the method's step from z with the gradient at y = μ_y x + (1 − μ_y) z, then
    x⁺ = μ_x x + (1 − μ_x) z⁺; z_0 = x_0. The result is x, and training is at y.

    Defazio, Mishchenko, Raman, Shi and Xiao, "Smoothing DiLoCo with Primal Averaging for Faster Training of LLMs" (2512.17131).
    Decay of the weights is the method's own, so that it is taken at z. μ_x = μ_y = 0 is the method itself.
    """

    def after(state: PrimalState, w: Array, lr: float) -> tuple[PrimalState, Array]:
        z = w + 0.0
        average = mu_x * state.average + (1 - mu_x) * z
        return PrimalState(z, average), mu_y * average + (1 - mu_y) * z

    return Wrapper(
        "gpa",
        lambda x0: PrimalState(x0 + 0.0, x0 + 0.0),
        lambda state, x, lr: state.z,
        after,
        lambda state, x: state.average,
        moves=True,
    )


def schedule_free(
    interpolation: float = 0.9, weight_lr_power: float = 2.0, decay_at_y: float = 0.0
) -> Wrapper:
    """Schedule-free averaging: z⁺ = the method's step from z − ηλy with the gradient at y = (1 − β) z + β x, then
    x⁺ = (1 − c) x + c z⁺ with c = γ^p/Σγ^p; z_0 = x_0. The result is x, and training is at y.

    Defazio et al., "The Road Less Scheduled" (2405.15682): β = ``interpolation``, λ = ``decay_at_y``, p = ``weight_lr_power``
    and γ the largest learning rate so far, as in their implementation; under a constant rate the mean is uniform. Around SGD
    it is Schedule-Free SGD; around AdamW with ``beta1`` = 0 Schedule-Free AdamW, whose decay is taken at y.
    """

    def base(state: PrimalState, y: Array, lr: float) -> Array:
        return state.z - lr * decay_at_y * y if decay_at_y else state.z

    def after(state: PrimalState, w: Array, lr: float) -> tuple[PrimalState, Array]:
        z, largest = w + 0.0, max(state.largest, float(lr))
        weight = largest**weight_lr_power
        weights = state.weights + weight
        share = weight / weights if weights else 0.0
        average = (1 - share) * state.average + share * z
        y = (1 - interpolation) * z + interpolation * average
        return PrimalState(z, average, weights, largest), y

    return Wrapper(
        "schedulefree",
        lambda x0: PrimalState(x0 + 0.0, x0 + 0.0),
        base,
        after,
        lambda state, x: state.average,
        moves=True,
    )


WRAPPERS: dict[str, Callable[..., Wrapper]] = {
    "ema": ema,
    "swa": swa,
    "tail": tail,
    "lookahead": lookahead,
    "am1": amortized,
    "gpa": gpa,
    "schedulefree": schedule_free,
}
