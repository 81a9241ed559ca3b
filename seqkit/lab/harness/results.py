"""Running an experiment with several seeds, and its numbers as a JSON file."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

import seqkit
from seqkit.errors import DataError, SeqkitError, UsageError
from seqkit.files import read_json, write_atomically
from seqkit.lab.harness.experiment import MIN_SEEDS, Experiment, Numbers, Setup, Verdict, get_experiment
from seqkit.progress import tracked, with_progress

UNUSABLE = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""Raised where the numbers of an experiment are of other types than it measures."""


@dataclass(frozen=True)
class Results:
    """The numbers of an experiment for each seed, and the conditions under which they were measured."""

    experiment: str
    version: str
    quick: bool
    data: str | None
    """The images; None for an experiment that reads none."""
    seeds: list[int]
    seconds: float
    numbers: list[dict[str, Any]]

    def verdict(self) -> Verdict:
        """Judge the numbers by the experiment's criteria."""
        return get_experiment(self.experiment).verdict(self.numbers)

    def table(self) -> list[tuple[str, float, float]]:
        """Return (name, mean, sample deviation) of each scalar, nested or not; NaN if a value is missing."""
        rows: dict[str, list[float]] = {}
        for numbers in self.numbers:
            for name, value in _scalars(numbers):
                rows.setdefault(name, []).append(math.nan if value is None else value)
        return [
            (name, float(np.mean(row)), float(np.std(row, ddof=1)) if len(row) > 1 else math.nan)
            for name, row in rows.items()
        ]

    def save(self, path: str | Path) -> None:
        """Write the results as JSON."""
        text = json.dumps(asdict(self), indent=1, allow_nan=False, ensure_ascii=False)
        write_atomically(Path(path), text.encode())

    @classmethod
    def load(cls, path: str | Path) -> Results:
        """Read results written by :meth:`save`.

        Raises:
            DataError: The file holds something else, or the results of another version.
        """
        remedy = "give a file written by `seqkit lab run --out`"
        try:
            results = read_json(path, cls, error=DataError, remedy=remedy)
        except DataError as error:
            message = f"expected the results of an experiment ({error.what})"
            raise DataError(message, where=str(path), remedy=remedy) from None
        if len(results.seeds) != len(results.numbers):
            message = f"expected numbers for each of {len(results.seeds)} seeds, got {len(results.numbers)}"
            raise DataError(message, where=str(path), remedy=remedy)
        try:
            results.verdict()
        except SeqkitError:
            raise
        except UNUSABLE as error:
            message = f"the results of {results.experiment!r} lack {error}: perhaps of another version"
            raise DataError(message, where=str(path), remedy="run the experiment again") from None
        return results


@with_progress
def run_experiment(
    experiment: Experiment,
    *,
    quick: bool = False,
    data: str | None = None,
    seeds: Sequence[int] | None = None,
    report: Callable[[str], object] = lambda text: None,
    progress: bool = False,
) -> Results:
    """Run an experiment once with each seed.

    Args:
        experiment: The experiment to run.
        quick: Whether to run at small sizes.
        data: Images to use, "digits" (the default) or "mnist".
        seeds: Three or more different seeds; by default 0, 1, … as many as the experiment asks for.
        report: Called with a line of text after each seed.
        progress: Whether to show a progress bar.

    Returns:
        The numbers of all seeds.

    Raises:
        UsageError: There are fewer than three different seeds, or images for an experiment that reads none.
    """
    if data is not None and not experiment.reads_images:
        raise UsageError(f"data has no effect here: {experiment.name} reads no images", remedy="leave it out")
    images = data or "digits"
    seeds = range(experiment.seeds) if seeds is None else seeds
    if len(seeds) < MIN_SEEDS or len(set(seeds)) < len(seeds):
        raise UsageError(f"expected {MIN_SEEDS} different seeds or more, got {list(seeds)}")
    start = time.perf_counter()
    numbers = []
    for seed in tracked(seeds, experiment.name, "seeds"):
        seed_start = time.perf_counter()
        numbers.append(to_json_types(experiment.run(Setup(seed, quick, images))))
        report(f"  seed {seed}: {time.perf_counter() - seed_start:.1f} s")
    seconds = round(time.perf_counter() - start, 2)
    data = images if experiment.reads_images else None
    return Results(experiment.name, seqkit.__version__, quick, data, list(seeds), seconds, numbers)


def to_json_types(value: object) -> Any:
    """Convert arrays to lists, keys to strings, and numbers that are not finite to None."""
    if isinstance(value, dict):
        return {str(key): to_json_types(each) for key, each in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [to_json_types(each) for each in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _scalars(numbers: Numbers, prefix: str = "") -> list[tuple[str, float | None]]:
    scalars: list[tuple[str, float | None]] = []
    for name, value in numbers.items():
        if isinstance(value, dict):
            scalars += _scalars(value, f"{prefix}{name}, ")
        elif value is None or isinstance(value, int | float):
            scalars.append((prefix + name, value))
    return scalars
