"""The MNIST results of "Deep Learning from Scratch" over several seeds, and the published results.

    python -m benchmarks.textbook_images --runs DIR [--seeds 3] [--rows NAME ...]

Trains the recipes textbook-* into DIR/ROW/seed-S, or resumes runs found there; the two convolutional networks
take the longest by far. Rows that are not run keep the values of the last run.

As in the book, there is no validation; the last weights are kept. The book draws each batch with replacement;
here an epoch holds each image once. Its losses are those of a single batch, of iteration 1,900 counted from
0, after the update by that batch, and so are ours; the mean of the 100 iterations before, each before its
update, is less noisy and is printed as well.
"""

import argparse
import dataclasses
import json
import statistics
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.measure import RESULTS, machine, write_json
from seqkit.cli.settings_file import read_recipe
from seqkit.data import ImageBatches
from seqkit.tasks.image_classification import ImageClassificationSettings, TrainedImageClassifier, train
from seqkit.tasks.image_classification.task import make_task, open_corpus
from seqkit.training import Callback

PATH = RESULTS / "textbook_images.json"
_ITERATION = 1900


def test_accuracy(run: TrainedImageClassifier) -> dict[str, float]:
    """Return the accuracy on the 10,000 test images in percent."""
    return {"value": 100 * run.evaluate("test").accuracy}


def train_accuracy(run: TrainedImageClassifier) -> dict[str, float]:
    """Return the final accuracy on the training images in percent."""
    return {"value": 100 * run.evaluate("train").accuracy}


def late_loss(run: TrainedImageClassifier) -> dict[str, float]:
    """Return the loss of the batch of iteration 1,900 after its update, and the mean of the 100 before."""
    part, settings = run.corpus().images("train"), run.settings
    batches = ImageBatches(part, settings.batch_size, standardization=run.standardization, seed=settings.seed)
    batch = batches.batch(*divmod(_ITERATION, len(batches)))
    records = map(json.loads, run.run.log.path.read_text("utf-8").splitlines())
    losses = {record["step"] - 1: record["loss"] for record in records if "grad_norm" in record}
    return {
        "value": run.model.loss(batch.images, batch.labels).item(),
        "mean of the 100 before": statistics.fmean(losses[i] for i in range(_ITERATION - 100, _ITERATION)),
    }


def met(values: list[float], bar: float, *, more_is_better: bool = True) -> bool:
    """Return whether the mean reaches the published value, or is within one sample deviation of it."""
    deviation = statistics.stdev(values) if len(values) > 1 else 0.0
    return (statistics.fmean(values) - bar) * (1 if more_is_better else -1) >= -deviation


@dataclass(frozen=True)
class Row:
    """A published result; ``bar`` is its value, or the lower end of a range."""

    published: str
    bar: float
    recipe: str
    measure: Callable[[TrainedImageClassifier], dict[str, float]]
    changes: dict[str, Any] = field(default_factory=dict)
    more_is_better: bool = True
    folder: str = ""
    """Folder of the runs; rows that measure the same runs share it."""

    def settings(self, seed: int) -> ImageClassificationSettings:
        """Return the settings of the run of a seed."""
        values = {**read_recipe(self.recipe, "train-images"), **self.changes, "seed": seed}
        return ImageClassificationSettings.from_values(values)


def _loss(published: float, **changes: Any) -> Row:
    return Row(f"{published:.3f}", published, "textbook-initialization", late_loss, changes, False)


_NO_DECAY = {"weight_decay": 0.0}
ROWS: dict[str, Row] = {
    "mlp-sigmoid": Row("94.65 %", 94.65, "textbook-mlp-sigmoid", test_accuracy),
    "mlp-relu": Row("96.90 %", 96.90, "textbook-mlp-relu", test_accuracy),
    "init-std": _loss(2.305, weight_init="std"),
    "init-xavier": _loss(0.377, weight_init="xavier"),
    "init-he": _loss(0.286),
    "sgd": dataclasses.replace(_loss(0.150), folder="init-he"),
    "momentum": _loss(0.050, optimizer="momentum"),
    "adagrad": _loss(0.016, optimizer="adagrad"),
    "adam": _loss(0.032, optimizer="adam", lr=0.001),
    "decay-train": Row("92.7 %", 92.7, "textbook-overfitting", train_accuracy, folder="decay"),
    "decay-test": Row("72.1 %", 72.1, "textbook-overfitting", test_accuracy, folder="decay"),
    "no-decay-train": Row("100 %", 100, "textbook-overfitting", train_accuracy, _NO_DECAY, folder="no-decay"),
    "no-decay-test": Row("73.8 %", 73.8, "textbook-overfitting", test_accuracy, _NO_DECAY, folder="no-decay"),
    "simple-cnn": Row("98.9-99.1 %", 98.9, "textbook-simple-cnn", test_accuracy),
    "deep-cnn": Row("99.38 %", 99.38, "textbook-deep-cnn", test_accuracy),
}
SEARCH = "random-search"
_SEARCH_BAR = 84.0


def trials(seed: int, count: int = 100) -> Iterator[dict[str, float]]:
    """Yield the trials of the book's random search: lr 10^-6 … 10^-2, weight decay 10^-8 … 10^-4.

    Each trial trains the network of textbook-overfitting on 400 images for 50 epochs, and its last accuracy
    on 100 others counts.
    """
    draws = np.random.default_rng(seed)
    fixed = {"train_size": 500, "validation": 0.2, "split_seed": seed, "epochs": 50}
    values = {**read_recipe("textbook-overfitting", "train-images"), **fixed}
    corpus = open_corpus(ImageClassificationSettings.from_values(values))
    for trial in range(count):
        lr, decay = 10 ** draws.uniform(-6, -2), 10 ** draws.uniform(-8, -4)
        settings = ImageClassificationSettings.from_values(
            {**values, "lr": lr, "weight_decay": decay, "seed": trial}
        )
        task = make_task(settings, corpus, Callback())
        for epoch in range(settings.epochs):
            task.start_epoch(epoch, fresh=True)
            for index in range(task.batches_per_epoch):
                task.optimizer.zero_grad()
                task.loss(task.batch(index))[0].backward()
                task.optimizer.step()
        scores = task.validate(lambda: None) or {}
        yield {"lr": lr, "weight_decay": decay, "accuracy": scores["accuracy"]}


def main() -> None:
    """Train missing runs, print the table and write it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.textbook_images", description=__doc__)
    parser.add_argument("--runs", type=Path, required=True, help="folder of the runs")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--rows", nargs="+", choices=[*ROWS, SEARCH], default=[*ROWS, SEARCH])
    options = parser.parse_args()
    results = json.loads(PATH.read_text("utf-8"))["rows"] if PATH.exists() else {}
    print(f"{'':<16}{'published':>12}{'ours':>10}{'±':>8}   met   by seed")
    for name in options.rows:
        if name == SEARCH:
            results[name] = _search(options.seeds)
        else:
            results[name] = _measure(name, options.runs, options.seeds)
        _print(name, results[name])
        order = {key: results[key] for key in [*ROWS, SEARCH] if key in results}
        write_json(PATH, {"rows": order, "machine": machine()})


def _measure(name: str, runs: Path, seeds: int) -> dict[str, Any]:
    row = ROWS[name]
    measured, seconds = [], []
    for seed in range(seeds):
        run = train(row.settings(seed), runs / (row.folder or name) / f"seed-{seed}", resume=True)
        measured.append(row.measure(run))
        log = run.run.log.path.read_text("utf-8").splitlines()
        seconds.append(json.loads(log[-1])["seconds"])
    values = [each["value"] for each in measured]
    more = {key: [each[key] for each in measured] for key in measured[0] if key != "value"}
    return {
        "published": row.published,
        "recipe": row.recipe,
        "changes": row.changes,
        **_summary(values, met(values, row.bar, more_is_better=row.more_is_better)),
        **more,
        "training_seconds": seconds,
    }


def _search(seeds: int) -> dict[str, Any]:
    best = [max(trials(seed), key=lambda trial: trial["accuracy"]) for seed in range(seeds)]
    values = [100 * trial["accuracy"] for trial in best]
    return {
        "published": "84 %",
        "recipe": "textbook-overfitting",
        **_summary(values, met(values, _SEARCH_BAR)),
        "best": best,
    }


def _summary(values: list[float], is_met: bool) -> dict[str, Any]:
    return {
        "ours": round(statistics.fmean(values), 4),
        "deviation": round(statistics.stdev(values), 4) if len(values) > 1 else None,
        "values": [round(value, 4) for value in values],
        "met": is_met,
    }


def _print(name: str, row: dict[str, Any]) -> None:
    values = " ".join(f"{value:.3f}" for value in row["values"])
    deviation = "–" if row["deviation"] is None else f"{row['deviation']:.3f}"
    verdict = "yes" if row["met"] else "no"
    print(f"{name:<16}{row['published']:>12}{row['ours']:>10.3f}{deviation:>8}   {verdict:<6}{values}")
    for key, values_before in row.items():
        if key.startswith("mean of"):
            print(f"{'':<16}{key}: {' '.join(f'{value:.3f}' for value in values_before)}")


if __name__ == "__main__":
    main()
