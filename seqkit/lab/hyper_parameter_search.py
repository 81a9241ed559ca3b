"""Hyper-parameter search on a validation split, and the bias of choosing on the test split."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from seqkit.lab.harness.drawing import label_axes
from seqkit.lab.harness.experiment import Criterion, Experiment, Numbers, Setup
from seqkit.lab.harness.training import Images, fit, load_images, make_mlp

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LR, DECAY = (-3.0, 0.0), (-6.0, -1.0)
"""Ranges of log10 of the learning rate and of weight decay."""
SPLIT = 50
"""Images in the split that chooses a trial."""
SPLITS = 200
"""Random splits of the held-out images, whose scores are averaged."""


def run(setup: Setup) -> Numbers:
    """Score random settings, and those chosen on one split on that split and on fresh images."""
    train, held_out, _ = load_images(setup, train=300, valid=600, test=0)
    trials = setup.scale(quick=24, full=60)
    draws = setup.generator("search").uniform((trials, 2), dtype=np.float64)
    logs = [(LR[0] + a * (LR[1] - LR[0]), DECAY[0] + b * (DECAY[1] - DECAY[0])) for a, b in draws.tolist()]
    correct = np.stack([_correct(setup, train, held_out, *log) for log in logs])  # (trials, images)
    random = setup.generator("splits")
    chosen_on, fresh = [], []
    for _ in range(SPLITS):
        order = random.permutation(len(held_out))
        inside, outside = order[:SPLIT], order[SPLIT:]
        best = correct[:, inside].mean(axis=1).argmax()
        chosen_on.append(correct[best, inside].mean())
        fresh.append(correct[best, outside].mean())
    scores = correct.mean(axis=1)
    numbers = {
        "accuracy on the split chosen on": float(np.mean(chosen_on)),
        "accuracy of the same on fresh images": float(np.mean(fresh)),
        "accuracy, best of all trials": float(scores.max()),
        "accuracy, median of all trials": float(np.median(scores)),
        "trials": [[lr, decay, float(score)] for (lr, decay), score in zip(logs, scores, strict=True)],
    }
    try:
        optuna: Any = importlib.import_module("optuna")
    except ImportError:
        return numbers
    return {**numbers, "accuracy, best of Optuna's": _optuna(optuna, setup, train, held_out, trials)}


def _correct(setup: Setup, train: Images, held_out: Images, lr: float, decay: float) -> np.ndarray:
    """Train a network and return which held-out images it classifies correctly, (N,) bool."""
    model = make_mlp(setup, train, hidden=(50, 50))
    batches = setup.generator("batches")
    fit(
        model,
        train,
        epochs=setup.scale(quick=30, full=60),
        lr=10**lr,
        weight_decay=10**decay,
        generator=batches,
    )
    correct: np.ndarray = model.predict(held_out.x) == held_out.labels
    return correct


def _optuna(optuna: Any, setup: Setup, train: Images, held_out: Images, trials: int) -> float:
    """Return the best accuracy that Optuna's sampler finds in as many trials."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=setup.seed))

    def score(trial: Any) -> float:
        lr, decay = trial.suggest_float("lr", *LR), trial.suggest_float("decay", *DECAY)
        return float(_correct(setup, train, held_out, lr, decay).mean())

    study.optimize(score, n_trials=trials)
    return float(study.best_value)


def draw(figure: Figure, numbers: Sequence[Numbers]) -> None:
    """Plot all trials in the plane of the settings, and the two scores of the chosen setting by seed."""
    left, right = figure.subplots(1, 2, width_ratios=(3, 2))
    trials = np.concatenate([np.array(each["trials"]) for each in numbers])
    dots = left.scatter(
        10 ** trials[:, 0], 10 ** trials[:, 1], c=trials[:, 2], cmap="viridis", s=22, vmin=0, vmax=1
    )
    left.set_xscale("log")
    left.set_yscale("log")
    figure.colorbar(dots, ax=left, label="accuracy of a trial")
    label_axes(left, "learning rate", "weight decay", "random search: the learning rate matters most")
    names = ("accuracy on the split chosen on", "accuracy of the same on fresh images")
    for each in numbers:
        right.plot((0, 1), [each[name] for name in names], "o-", color="C3")
    right.set_xticks((0, 1), ("on the split\nit was chosen on", "on fresh\nimages"))
    right.set_xlim(-0.4, 1.4)
    label_axes(right, "split", "accuracy of the chosen setting", "selection bias")


EXPERIMENT = Experiment(
    module=__name__,
    chapter="1.6",
    place=11,
    claim="Random search finds good settings, and the score on the split that chose them is too high: the "
    "test split must not be used to choose.",
    criteria=(
        Criterion(
            "accuracy on the choosing split minus that on fresh images",
            lambda n: n["accuracy on the split chosen on"] - n["accuracy of the same on fresh images"],
            above=0.003,
        ),
        Criterion(
            "accuracy, best trial minus median trial",
            lambda n: n["accuracy, best of all trials"] - n["accuracy, median of all trials"],
            above=0.02,
        ),
    ),
    seeds=5,
    run=run,
    draw=draw,
    reads_images=True,
    note="Settings are chosen on a validation split; the test split is used once, at the end.",
    source="Bergstra and Bengio 2012; Cawley and Talbot 2010",
    size=(9.0, 4.2),
)
