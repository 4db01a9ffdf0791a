"""A measured quantity: which way it is better, in which unit, and how each of these is known."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

from amrobust.errors import UserError
from amrobust.runs.files import escape, quoted

Direction = Literal["higher", "lower"]
KnownBy = Literal["declared", "workload", "source", "name", "values", "not recorded"]
"""Who says so: the user or the code that recorded it; our own workload; the format that it was read from, which always means
it so; the metric's name; its values; or nobody whose word is on record."""

HIGHER = frozenset((
    "accuracy", "accuracies", "acc", "topk", "f1", "f2", "auc", "auroc", "auprc", "roc", "map", "ap", "bleu", "rouge",
    "meteor", "cider", "chrf", "reward", "rewards", "rew", "return", "returns", "score", "scores", "success", "successes",
    "win", "wins", "winrate", "solved", "precision", "prec", "recall", "iou", "miou", "dice", "jaccard", "r2", "mcc",
    "kappa", "psnr", "ssim", "ndcg", "mrr", "hit", "hits", "tpr", "sensitivity", "specificity", "likelihood",
    "loglikelihood", "elbo", "hns", "spearman", "pearson",
))  # fmt: skip
LOWER = frozenset((
    "loss", "losses", "logloss", "error", "errors", "err", "errs", "perplexity", "perplexities", "ppl", "wer", "cer", "ter",
    "eer", "fid", "kid", "fvd", "lpips", "regret", "nll", "bpc", "bpb", "bpd", "mse", "rmse", "rmsle", "mae", "mape",
    "smape", "msle", "brier", "ece", "ce", "bce", "xent", "crossentropy", "kl", "gap", "gaps", "residual", "cost", "costs",
    "violation", "violations", "fpr", "fnr",
))  # fmt: skip
PHRASES = {
    "cross_entropy": "lower",
    "bits_per": "lower",
    "negative_log_likelihood": "lower",
    "neg_log_likelihood": "lower",
    "grad_norm": "lower",
    "gradient_norm": "lower",
    "reciprocal_rank": "higher",
    "exact_match": "higher",
    "pass_rate": "higher",
    "pass_1": "higher",
}
"""Words that mean something together, and count as one."""
WEAK = frozenset(["topk", "map", "score", "scores", "hit", "hits"])
"""These count only where no other word does: the top-1 error is an error, the Brier score low."""
UNSURE = frozenset((
    "neg", "negative", "minus", "inverse", "inv", "std", "stderr", "sd", "var", "variance", "sem", "ci", "count", "num", "drop",
    "reduction", "improvement", "decrease", "increase", "time", "seconds", "duration", "steps", "epochs", "one", "no", "non",
    "not", "bad", "free", "lost", "deficit", "diff", "diffs", "difference", "differences", "delta", "deltas", "hacking",
    "failure", "failures", "failed", "to", "until", "rank", "ranks", "ranking", "lower", "higher", "better", "change",
    "changes", "degradation", "decline", "decay", "penalty", "penalties", "forgetting", "shortfall", "spread", "range",
    "ranges", "iqr", "mad", "se", "deviation", "dispersion", "instability", "disparity", "uncertainty", "entropy", "latency",
    "runtime", "ms", "sec", "secs", "minutes", "hours", "attack", "attacks", "attacker", "jailbreak", "backdoor", "opponent",
    "missed", "saving", "savings", "saved", "efficiency", "threshold", "weight", "weights", "coef", "coeff", "coefficient",
    "scale",
))  # fmt: skip
"""With one of these the name is of something else than what its other words measure: it is asked about."""
GENERAL = frozenset((
    "score", "scores", "success", "successes", "hit", "hits", "error", "errors", "err", "errs", "cost", "costs",
))  # fmt: skip
SUBJECTS = frozenset((
    "anomaly", "anomalies", "anomalous", "toxicity", "toxic", "hallucination", "hallucinations", "hallucinated", "harm",
    "harmful", "harmfulness", "bias", "risk", "unsafe", "collision", "collisions", "crash", "crashes", "false", "detection",
    "detected", "correction", "corrected", "refusal",
))  # fmt: skip
"""The score, the success or the errors of one of these may be better high or low: asked about, unlike their accuracy."""
PREFIXES = (
    "training", "train", "testing", "test", "validation", "valid", "val", "eval", "dev", "avg", "mean", "best", "final",
)  # fmt: skip
"""A word glued to one of these is split from it, so that testerr is an error."""
SHARES = frozenset((
    "accuracy", "accuracies", "acc", "topk", "f1", "auc", "auroc", "auprc", "precision", "prec", "recall", "iou", "miou",
    "dice", "jaccard", "success", "win", "winrate", "solved", "wer", "cer",
))  # fmt: skip
"""What is a share of one, and is often written in percent."""
UNBOUNDED = frozenset(("wer", "cer", "success", "win", "solved"))
"""Those of them that may be above one, or count."""
IN_PERCENT = frozenset((
    "err", "errs", "error", "errors", "score", "scores", "bleu", "rouge", "meteor", "chrf", "ter", "map", "ap", "roc", "f2",
    "ndcg", "mrr", "reciprocal_rank", "mcc", "kappa", "spearman", "pearson", "r2", "ssim", "hit", "hits", "exact_match",
    "pass_rate", "pass_1", "tpr", "fpr", "fnr", "eer", "sensitivity", "specificity", "ece", "brier",
))  # fmt: skip
"""What is between zero and one for some and a hundred times that for others, or may count or be in any unit."""
PARAMETERS = frozenset((
    "lr", "learning_rate", "learningrate", "batch_size", "batchsize", "bs", "momentum", "weight_decay", "wd", "epoch",
    "epochs", "step", "steps", "global_step", "iteration", "iterations", "iter", "iters", "time", "seed", "beta1", "beta2",
    "betas", "eps", "epsilon", "dropout", "warmup", "warmup_steps", "num_epochs", "num_layers", "hidden_size", "grad_accum",
    "gradient_accumulation_steps", "max_steps",
))  # fmt: skip
INDEX_COLUMNS = ("seed", "output", "epoch")
"""What stands beside metrics in a curves file, and is no name of one."""
TESTED = frozenset(("test", "testing"))
EVALUATED = frozenset(("val", "valid", "validation", "eval", "evaluation", "dev"))

_PIECES = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+|[^\W\d_a-zA-Z]+")
_TOP = re.compile(r"(?:(?<![A-Za-z])top|Top|TOP)[-_ @]?(?:\d+|k(?![a-z]))")
_TURNED = re.compile(
    r"(?:^|[\s/(:=_])\d+(?:\.\d+)?\s*%?\s*[-\u2212\u2013]\s*[^\W\d_]"
    r"|(?:^|/)\s*\d+(?:\.\d+)?\s*/"
    r"|(?:^|[/(:=])\s*[-\u2212\u2013]\s*[^\W\d_]"
    r"|(?:\^|\*\*)\s*\(?\s*[-\u2212]|\u207b\u00b9"
)
"""What turns a metric around, or may: 1-acc, 100 - acc, 1/loss, -loss, loss^-1."""
_CHOICE = re.compile(r"(?P<name>.*):(?P<better>higher|lower)", re.DOTALL)
_SAID = re.compile(r"\b(higher|lower) is better\b", re.IGNORECASE)


@dataclass(frozen=True)
class Metric:
    """A measured quantity: its name, which way is better, its unit ("%", "share" or any other; "" is none, or not said)."""

    name: str
    better: Direction | None
    """None where nobody said so and its name does not: asked for when it is compared."""
    unit: str = ""
    better_by: KnownBy = "declared"
    unit_by: KnownBy = "declared"

    @classmethod
    def known(cls, name: str, better: Direction | None = None, unit: str | None = None) -> Metric:
        """What is known of a metric: what is declared, else what its name says."""
        by_name, percent = direction_by_name(name), unit_by_name(name)
        return cls(
            name,
            better or by_name,
            percent if unit is None else unit,
            "declared" if better else "name" if by_name else "not recorded",
            "declared" if unit is not None else "name" if percent else "not recorded",
        )

    @property
    def way(self) -> Direction:
        """Which way is better. Raises UserError, with the option that says it, where that is not known."""
        if self.better is None:
            raise UserError(asks(self.name))
        return self.better

    @property
    def better_words(self) -> str:
        """``higher is better, by its name``; nothing where our own workload says it, or nobody does."""
        how = {
            "declared": ", as declared",
            "source": ", as its format means it",
            "name": ", by its name",
            "not recorded": ", how that is known was not recorded",
        }
        return (
            f"{self.better} is better{how[self.better_by]}" if self.better and self.better_by in how else ""
        )

    @property
    def known_words(self) -> str:
        """What is known of it, in parentheses with a leading space: `` (higher is better, by its name; share)``."""
        known = "; ".join(filter(None, (self.better_words, self.unit)))
        return f" ({known})" if known else ""

    @property
    def introduced(self) -> str:
        """Its name and what is known of it: ``val_acc (higher is better, by its name; share)``."""
        return (
            f"{self.name}{self.known_words}"
            if self.better
            else f"{self.name} (which way is better is not known)"
        )

    def declared(self, better: Direction | None) -> Metric:
        """The metric with the direction that is declared, if one is."""
        return self if better is None else replace(self, better=better, better_by="declared")


@dataclass(frozen=True)
class MetricChoice:
    """What ``--metric`` says: a metric's name, the name it was logged under, and which way is better where that is declared."""

    name: str
    logged: str
    better: Direction | None = None

    @classmethod
    def parse(cls, text: str) -> MetricChoice:
        """``NAME`` or ``NEW=OLD``, either with ``:higher`` or ``:lower`` behind it. Raises UserError where a name is empty."""
        match = _CHOICE.fullmatch(text)
        better: Any = match["better"] if match else None
        new, equals, old = (match["name"] if match else text).partition("=")
        name, logged = new.strip(), (old if equals else new).strip()
        if not name or not logged:
            raise UserError(
                f"--metric takes NAME or NEW=OLD, with :higher or :lower behind it or not, and not {text!r}"
            )
        return cls(name, logged, better)


def asks(name: str) -> str:
    """The question which way ``name`` is better, with the options that answer it."""
    return f"whether {escape(name)} is better high or low cannot be told from its name: {says(name)}"


def says(name: str) -> str:
    """The options that say which way ``name`` is better."""
    low, high = (quoted(f"{name}:{way}") for way in ("lower", "higher"))
    return f"say --metric {low} or --metric {high} (in Python metric={escape(name) + ':lower'!r})"


def direction(what: str, given: Any) -> Direction:
    """``given`` as a direction. Raises UserError on anything but "higher" and "lower"."""
    if given not in get_args(Direction):
        raise UserError(f"{what} is 'higher' or 'lower', not {given!r:.100}")
    found: Direction = given
    return found


def words(name: str) -> list[str]:
    """The words of a name, in lower case: split at what is no letter or digit, in camelCase, at digits and known prefixes.

    >>> words("val/testErr"), words("acc_norm"), words("MSELoss"), words("testerr"), words("prec@5")
    (['val', 'test', 'err'], ['acc', 'norm'], ['mse', 'loss'], ['test', 'err'], ['prec', '5'])
    """
    found = []
    for token in re.split(r"[\W_]+", _TOP.sub(" topk ", name)):
        whole = _word(token)
        found += whole or [
            word for piece in _PIECES.findall(token) for word in _word(piece) or [piece.lower()]
        ]
    return found


def _word(text: str) -> list[str]:
    """A known word, or one behind a known prefix; nothing where it is neither."""
    low = text.lower()
    if low in _KNOWN:
        return [low]
    return next(
        ([prefix, low.removeprefix(prefix)] for prefix in PREFIXES if low.removeprefix(prefix) in _KNOWN), []
    )


_KNOWN = HIGHER | LOWER | UNSURE | SUBJECTS
_DIRECTIONS: dict[str, Direction] = {**dict.fromkeys(HIGHER, "higher"), **dict.fromkeys(LOWER, "lower")}


def direction_by_name(name: str) -> Direction | None:
    """Which way a metric of this name is better: by the words of the published list, where they agree; else None.

    >>> [direction_by_name(name) for name in ("val/wer", "acc_norm", "top1_error", "episode_return", "objective", "std_loss")]
    ['lower', 'higher', 'lower', 'higher', None, None]
    >>> [direction_by_name(name) for name in ("1-acc", "100 - accuracy", "1/loss", "-loss", "loss^-1", "error_free_rate")]
    [None, None, None, None, None, None]
    """
    if said := {word.lower() for word in _SAID.findall(name)}:
        return direction("a direction", said.pop()) if len(said) == 1 else None
    if _TURNED.search(_TOP.sub(" topk ", name)):
        return None
    joined = f"_{'_'.join(words(name))}_"
    found = []
    for phrase, way in PHRASES.items():
        if f"_{phrase}_" in joined:
            found.append(direction("a direction", way))
            joined = joined.replace(f"_{phrase}_", "_")
    rest = joined.strip("_").split("_")
    # Behind a metric cv is its coefficient of variation, before it a cross-validation.
    if UNSURE & set(rest) or "cv" in rest[1:] or (GENERAL & set(rest) and SUBJECTS & set(rest)):
        return None
    strong = [_DIRECTIONS[word] for word in rest if word in _DIRECTIONS and word not in WEAK]
    ways = set(found + strong) or {_DIRECTIONS[word] for word in rest if word in WEAK}
    return ways.pop() if len(ways) == 1 else None


def unit_by_name(name: str) -> str:
    """``%`` where the name says so, as ``test accuracy (%)`` and ``acc_pct`` do; else nothing."""
    return "%" if "%" in name or {"percent", "pct"} & set(words(name)) else ""


def can_be_a_share(name: str) -> bool:
    """Whether a metric of this name is a share of one, which may also be written in percent."""
    return bool(SHARES & set(words(name)))


def is_often_in_percent(name: str) -> bool:
    """Whether a metric of this name, though no share, is written between zero and one by some and in percent by others."""
    joined = f"_{'_'.join(words(name))}_"
    return any(f"_{word}_" in joined for word in IN_PERCENT)


def is_bounded(name: str) -> bool:
    """Whether a metric of this name is never below 0, and never above 1 or 100 %."""
    return direction_by_name(name) == "higher" and bool((SHARES - UNBOUNDED) & set(words(name)))


def is_parameter(name: str) -> bool:
    """Whether a series of this name is a parameter or a counter of the training, and no result of it.

    >>> [is_parameter(name) for name in ("lr", "train/learning_rate", "lr-SGD", "opt.weight_decay", "lr_loss", "val_acc")]
    [True, True, True, True, False, False]
    """
    if direction_by_name(name) is not None:
        return False
    low = name.strip().lower()
    last = re.split(r"[/.:]", low)[-1].replace("-", "_").replace(" ", "_")
    return bool(re.match(r"lr\b", low)) or last in PARAMETERS or last.endswith("_lr")


def by_interest(names: Iterable[str]) -> list[str]:
    """Names with those first that a comparison is usually about: test, then validation, then the rest, parameters last; those
    of one kind in the order in which they were logged."""

    def rank(name: str) -> tuple[bool, int]:
        found = set(words(name))
        return is_parameter(name), 0 if found & TESTED else 1 if found & EVALUATED else 2

    return sorted(names, key=rank)


def refuse_unnamed(option: str, named: Iterable[str], metrics: Iterable[str]) -> None:
    """Raise UserError where ``option`` names a metric that is none of ``metrics``."""
    known = list(dict.fromkeys(metrics))
    for name in named:
        if name not in known:
            raise UserError(
                f"{option} names {escape(name)!r}, which is no metric here: choose among {some_of(known)}"
            )


def some_of(names: Iterable[str]) -> str:
    """Names for a message, at most 20 of them."""
    found = list(names)
    return ", ".join(map(escape, found[:20])) + (", ..." if len(found) > 20 else "")
