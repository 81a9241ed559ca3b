"""A Transformer beside an LSTM of the same task, in the same time: dates and sums, and Penn Treebank.

    python -m benchmarks.transformer_beside_lstm --runs DIR [--tasks dates addition ptb] [--seeds 3]

Trains both of a task side by side, one thread each, into DIR/TASK-MODEL-SEED, or goes on with what lies
there. The recipes take about the same time; what each took is printed. Dates and sums are split without
leaks, and exact match is that of the test part; the language models have equally many parameters, and
perplexity is exact on the test part. The weights are the best by validation.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import seqkit
from benchmarks.measure import RESULTS, machine, write_json


@dataclass(frozen=True)
class Task:
    """Commands of the two, the score of the test part, and what to multiply it by."""

    lstm: str
    transformer: str
    score: str
    scale: float = 1.0

    def commands(self) -> dict[str, str]:
        """By model."""
        return {"lstm": self.lstm, "transformer": self.transformer}


TASKS = {
    "dates": Task(
        "train-seq2seq --recipe dates-attention",
        "train-seq2seq --recipe dates-transformer",
        "exact_match",
        100,
    ),
    "addition": Task(
        "train-seq2seq --recipe addition-attention",
        "train-seq2seq --recipe addition-transformer",
        "exact_match",
        100,
    ),
    "ptb": Task("train-lm --recipe ptb-lstm", "train-lm --recipe ptb-transformer", "perplexity"),
}


def train(path: Path, command: str, seed: int) -> None:
    """Train a run, or go on with it, with one thread."""
    words = f"-m seqkit {command} --seed {seed} --threads 1 --quiet --resume --out".split()
    subprocess.run([sys.executable, *words, str(path)], check=True, stdout=subprocess.DEVNULL)


def measure(path: Path, task: Task) -> dict[str, Any]:
    """Score, seconds of training and parameters of a run."""
    run: Any = seqkit.load(path)
    log = (path / "log.jsonl").read_text("utf-8").splitlines()
    return {
        "score": task.scale * getattr(run.evaluate("test"), task.score),
        "seconds": json.loads(log[-1])["seconds"],
        "steps": json.loads(log[-1])["step"],
        "parameters": run.model.parameter_count(),
    }


def main() -> None:
    """Train what is missing, print the table, write it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.transformer_beside_lstm", description=__doc__)
    parser.add_argument("--runs", type=Path, required=True, help="folder of the runs")
    parser.add_argument("--tasks", nargs="+", choices=list(TASKS), default=list(TASKS))
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    options.runs.mkdir(parents=True, exist_ok=True)
    path = RESULTS / "transformer_beside_lstm.json"
    results = json.loads(path.read_text("utf-8"))["tasks"] if path.exists() else {}
    for name in options.tasks:
        task = TASKS[name]
        rows: dict[str, dict[str, list[Any]]] = {}
        for seed in range(options.seeds):
            with ThreadPoolExecutor(2) as pool:
                runs = {
                    model: pool.submit(train, options.runs / f"{name}-{model}-{seed}", command, seed)
                    for model, command in task.commands().items()
                }
                for one in runs.values():
                    one.result()
            for model in runs:
                for key, value in measure(options.runs / f"{name}-{model}-{seed}", task).items():
                    rows.setdefault(model, {}).setdefault(key, []).append(value)
        for model, row in rows.items():
            scores = row["score"]
            spread = f" ± {statistics.stdev(scores):.2f}" if len(scores) > 1 else ""
            shown = " ".join(f"{value:.2f}" for value in scores)
            print(
                f"{name:<10}{model:<13}{task.score} {statistics.mean(scores):.2f}{spread} ({shown}), "
                f"{statistics.mean(row['seconds']):.0f} s, {row['parameters'][0]:,} parameters",
                flush=True,
            )
        results[name] = rows
        write_json(
            path, {"tasks": {key: results[key] for key in TASKS if key in results}, "machine": machine()}
        )


if __name__ == "__main__":
    main()
