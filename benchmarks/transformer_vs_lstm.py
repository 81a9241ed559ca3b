"""A Transformer and an LSTM on the same tasks in the same time: dates, addition, Penn Treebank.

    python -m benchmarks.transformer_vs_lstm --runs DIR [--tasks dates addition ptb] [--seeds 3]

Trains both models of a task in parallel, with one thread each, into DIR/TASK-MODEL-SEED, or resumes runs
found there. The recipes take about the same time, which is printed. Dates and sums are split without leaks
and scored by exact match on the test split; the language models have equal numbers of parameters and are
scored by exact perplexity on the test split. The weights are the best by validation.
"""

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
    """Commands of both models, the score of the test split, and the factor to print it with."""

    lstm: str
    transformer: str
    score: str
    scale: float = 1.0

    def commands(self) -> dict[str, str]:
        """Return the commands by model."""
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
    """Train or resume a run with one thread."""
    words = f"-m seqkit {command} --seed {seed} --threads 1 --quiet --resume --out".split()
    subprocess.run([sys.executable, *words, str(path)], check=True, stdout=subprocess.DEVNULL)


def measure(path: Path, task: Task) -> dict[str, Any]:
    """Return the score, training time, steps and parameters of a run."""
    run: Any = seqkit.load(path)
    log = (path / "log.jsonl").read_text("utf-8").splitlines()
    return {
        "score": task.scale * getattr(run.evaluate("test"), task.score),
        "seconds": json.loads(log[-1])["seconds"],
        "steps": json.loads(log[-1])["step"],
        "parameters": run.model.parameter_count(),
    }


def main() -> None:
    """Train missing runs, print the table and write it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.transformer_vs_lstm", description=__doc__)
    parser.add_argument("--runs", type=Path, required=True, help="folder of the runs")
    parser.add_argument("--tasks", nargs="+", choices=list(TASKS), default=list(TASKS))
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    options.runs.mkdir(parents=True, exist_ok=True)
    path = RESULTS / "transformer_vs_lstm.json"
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
                for future in runs.values():
                    future.result()
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
