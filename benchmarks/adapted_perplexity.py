"""Perplexity of trained language models with a cache, with dynamic evaluation and mixed with n-grams.

    python -m benchmarks.adapted_perplexity RUN [RUN …] [--ngrams RUN] [--cache 2000]

Scores the test split of each run's corpus, with weights, θ, rate and decay from the validation split, and
measures the seconds that each evaluation takes. benchmarks/results/adapted_perplexity.json keeps the rows of
all runs by their names.
"""

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import seqkit
from benchmarks.measure import RESULTS, machine, write_json
from seqkit.tasks.language_modeling.dynamic import evaluate_dynamic
from seqkit.tasks.language_modeling.mixture import evaluate_mixture


def rows_of(path: Path, ngrams: Path | None, cache: int) -> dict[str, dict[str, Any]]:
    """Return the perplexity and the seconds of each way to evaluate a run."""
    trained: Any = seqkit.load(path)
    ways: dict[str, Callable[[], dict[str, Any]]] = {
        "alone": lambda: trained.evaluate("test").to_dict(),
        f"cache {cache}": lambda: evaluate_mixture([trained], "test", cache=cache).to_dict(),
        "dynamic": lambda: evaluate_dynamic(trained, "test").to_dict(),
    }
    if ngrams is not None:
        counts: Any = seqkit.load(ngrams)
        ways["n-grams"] = lambda: evaluate_mixture([trained, counts], "test").to_dict()
        both = f"n-grams, cache {cache}"
        ways[both] = lambda: evaluate_mixture([trained, counts], "test", cache=cache).to_dict()
    found = {}
    for name, evaluate in ways.items():
        started = time.perf_counter()
        report = evaluate()
        found[name] = {**report, "seconds": round(time.perf_counter() - started, 1)}
        less = 1 - report["perplexity"] / found["alone"]["perplexity"]
        seconds = found[name]["seconds"]
        print(
            f"{path.name:<16}{name:<22}{report['perplexity']:8.2f}  {-less:+6.1%}  {seconds:7.1f} s",
            flush=True,
        )
    return found


def main() -> None:
    """Evaluate the runs, and keep the rows."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.adapted_perplexity", description=__doc__)
    parser.add_argument("runs", type=Path, nargs="+", help="runs of train-lm")
    parser.add_argument("--ngrams", type=Path, help="a run of Kneser-Ney with the same vocabulary")
    parser.add_argument("--cache", type=int, default=2000, help="tokens of the cache [%(default)s]")
    options = parser.parse_args()
    path = RESULTS / "adapted_perplexity.json"
    kept = json.loads(path.read_text("utf-8"))["runs"] if path.exists() else {}
    for run in options.runs:
        kept[run.name] = {"machine": machine(), "rows": rows_of(run, options.ngrams, options.cache)}
    write_json(path, {"runs": kept})


if __name__ == "__main__":
    main()
