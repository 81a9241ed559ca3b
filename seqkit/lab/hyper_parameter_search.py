"""Hyper-parameter search on a validation split, and what choosing on the test split does."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from seqkit.lab.harness import Criterion, Experiment, Numbers, Setup
from seqkit.lab.harness.drawing import label
from seqkit.lab.harness.images import Images, load_images
from seqkit.lab.harness.training import fit, mlp

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LR, DECAY = (-3.0, 0.0), (-6.0, -1.0)
"""Ranges of log10."""
SMALL = 50
"""Images in a split that one chooses on."""


def run(setup: Setup) -> Numbers:
    """Scores of random settings; of those chosen on one split, on it and on fresh images."""
    train, held, _ = load_images(setup, train=300, valid=600, test=0)
    trials = setup.scale(quick=24, full=60)
    draws = setup.generator("search").uniform((trials, 2), dtype=np.float64)
    logs = [(LR[0] + a * (LR[1] - LR[0]), DECAY[0] + b * (DECAY[1] - DECAY[0])) for a, b in draws.tolist()]
    right = np.stack([_right(setup, train, held, lr, decay) for lr, decay in logs])  # (trials, images)
    random = setup.generator("splits")
    chosen_on, fresh = [], []
    for _ in range(200):  # ways to cut the held-out images: the noise of one cut averages out
        order = random.permutation(len(held))
        here, there = order[:SMALL], order[SMALL:]
        best = right[:, here].mean(axis=1).argmax()
        chosen_on.append(right[best, here].mean())
        fresh.append(right[best, there].mean())
    scores = right.mean(axis=1)
    found = {
        "accuracy on the split chosen on": float(np.mean(chosen_on)),
        "accuracy of the same on fresh images": float(np.mean(fresh)),
        "accuracy, best of all trials": float(scores.max()),
        "accuracy, median of all trials": float(np.median(scores)),
        "trials": [[lr, decay, float(score)] for (lr, decay), score in zip(logs, scores, strict=True)],
    }
    try:
        optuna: Any = importlib.import_module("optuna")
    except ImportError:
        return found
    return {**found, "accuracy, best of Optuna's": _optuna(optuna, setup, train, held, trials)}


def _right(setup: Setup, train: Images, held: Images, lr: float, decay: float) -> np.ndarray:
    """(N,) bool: the held-out images that a network trained with these settings gets right."""
    model = mlp(setup, train, hidden=(50, 50))
    batches = setup.generator("batches")
    fit(
        model,
        train,
        epochs=setup.scale(quick=30, full=60),
        lr=10**lr,
        weight_decay=10**decay,
        generator=batches,
    )
    right: np.ndarray = model.predict(held.x) == held.labels
    return right


def _optuna(optuna: Any, setup: Setup, train: Images, held: Images, trials: int) -> float:
    """The best accuracy that Optuna's sampler finds in as many trials."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=setup.seed))

    def score(trial: Any) -> float:
        lr, decay = trial.suggest_float("lr", *LR), trial.suggest_float("decay", *DECAY)
        return float(_right(setup, train, held, lr, decay).mean())

    study.optimize(score, n_trials=trials)
    return float(study.best_value)


def draw(figure: Figure, numbers: Sequence[Numbers]) -> None:
    """All trials in the plane of the settings; the chosen one's two scores, seed by seed."""
    left, right = figure.subplots(1, 2, width_ratios=(3, 2))
    trials = np.concatenate([np.array(each["trials"]) for each in numbers])
    dots = left.scatter(
        10 ** trials[:, 0], 10 ** trials[:, 1], c=trials[:, 2], cmap="viridis", s=22, vmin=0, vmax=1
    )
    left.set_xscale("log")
    left.set_yscale("log")
    figure.colorbar(dots, ax=left, label="accuracy of a trial")
    label(left, "learning rate", "weight decay", "random search: the rate matters most")
    names = ("accuracy on the split chosen on", "accuracy of the same on fresh images")
    for each in numbers:
        right.plot((0, 1), [each[name] for name in names], "o-", color="C3")
    right.set_xticks((0, 1), ("on the split\nit was chosen on", "on fresh\nimages"))
    right.set_xlim(-0.4, 1.4)
    label(right, "split", "accuracy of the chosen setting", "choosing flatters")


EXPERIMENT = Experiment(
    module=__name__,
    chapter="1.6",
    claim="Random search finds good settings, and the score on the split that chose them is too high: the "
    "test split must not choose.",
    criteria=(
        Criterion(
            "accuracy on the choosing split less that on fresh images",
            lambda n: n["accuracy on the split chosen on"] - n["accuracy of the same on fresh images"],
            above=0.003,
        ),
        Criterion(
            "accuracy, best trial less median trial",
            lambda n: n["accuracy, best of all trials"] - n["accuracy, median of all trials"],
            above=0.02,
        ),
    ),
    seeds=5,
    run=run,
    draw=draw,
    note="Settings are chosen on a validation split; the test split is looked at once, at the end.",
    source="Bergstra and Bengio 2012; Cawley and Talbot 2010",
    size=(9.0, 4.2),
)
