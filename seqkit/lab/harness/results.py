"""Runs over seeds, and their numbers as a JSON file from which verdict and figure can be had again."""

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
from seqkit.errors import DataError, UsageError
from seqkit.files import write_atomically
from seqkit.lab.harness.experiment import Experiment, Numbers, Setup
from seqkit.lab.harness.registry import experiment
from seqkit.lab.harness.verdict import MIN_SEEDS, Verdict


@dataclass(frozen=True)
class Results:
    """The numbers of an experiment, seed by seed, and under what they came about."""

    experiment: str
    version: str
    quick: bool
    data: str
    seeds: list[int]
    seconds: float
    numbers: list[Numbers]

    def verdict(self) -> Verdict:
        """What they decide."""
        return experiment(self.experiment).verdict(self.numbers)

    def table(self) -> list[tuple[str, float, float]]:
        """(name, mean, sample deviation) of each plain number, dicts of them included; NaN where one is."""
        rows: dict[str, list[float]] = {}
        for each in self.numbers:
            for name, value in _scalars(each):
                rows.setdefault(name, []).append(math.nan if value is None else value)
        return [
            (name, float(np.mean(row)), float(np.std(row, ddof=1)) if len(row) > 1 else math.nan)
            for name, row in rows.items()
        ]

    def save(self, path: str | Path) -> None:
        """Write them as JSON."""
        text = json.dumps(asdict(self), indent=1, allow_nan=False, ensure_ascii=False)
        write_atomically(Path(path), text.encode())

    @classmethod
    def load(cls, path: str | Path) -> Results:
        """Read what :meth:`save` wrote. DataError for anything else."""
        remedy = "give a file written by `seqkit lab run --out`"
        try:
            found = json.loads(Path(path).read_bytes())
            results = cls(**found)
            lengths = len(results.seeds), len(results.numbers)
        except (OSError, ValueError, TypeError) as error:
            raise DataError(
                f"no numbers of an experiment ({error})", where=str(path), remedy=remedy
            ) from None
        if lengths[0] != lengths[1] or not all(isinstance(each, dict) for each in results.numbers):
            raise DataError(f"{lengths[1]} runs for {lengths[0]} seeds", where=str(path), remedy=remedy)
        try:
            results.verdict()
        except LookupError as error:
            what = f"the numbers of {results.experiment!r} lack {error}: of another version perhaps"
            raise DataError(what, where=str(path), remedy="run it again") from None
        return results


def run(
    what: Experiment,
    *,
    quick: bool = False,
    data: str = "digits",
    seeds: Sequence[int] | None = None,
    say: Callable[[str], Any] = lambda text: None,
) -> Results:
    """Run an experiment with each seed, by default 0, 1, … as many as it wants; ``say`` hears of each.

    UsageError below three seeds.
    """
    seeds = range(what.seeds) if seeds is None else seeds
    if len(seeds) < MIN_SEEDS or len(set(seeds)) < len(seeds):
        raise UsageError(f"an experiment needs {MIN_SEEDS} different seeds or more, got {list(seeds)}")
    start = time.perf_counter()
    numbers = []
    for seed in seeds:
        begun = time.perf_counter()
        numbers.append(plain(what.run(Setup(seed, quick, data))))
        say(f"  seed {seed}: {time.perf_counter() - begun:.1f} s")
    seconds = round(time.perf_counter() - start, 2)
    return Results(what.name, seqkit.__version__, quick, data, list(seeds), seconds, numbers)


def plain(value: Any) -> Any:
    """The same as JSON has it: arrays as lists, and None where a number is not finite."""
    if isinstance(value, dict):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [plain(each) for each in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _scalars(numbers: Numbers, prefix: str = "") -> list[tuple[str, float | None]]:
    found: list[tuple[str, float | None]] = []
    for name, value in numbers.items():
        if isinstance(value, dict):
            found += _scalars(value, f"{prefix}{name}, ")
        elif value is None or isinstance(value, int | float):
            found.append((prefix + name, value))
    return found
