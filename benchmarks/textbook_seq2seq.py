"""Exact match of the textbook's sequence-to-sequence tasks over several seeds.

    python -m benchmarks.textbook_seq2seq --runs DIR [--seeds 3] [--jobs 2]

Trains each row into DIR/ROW-SEED, with one thread per run and ``--jobs`` runs at a time, or resumes runs
found there. The rows are those of "Deep Learning from Scratch 2", chapters 7 and 8: first with its files and
split (``book:``), measured on the held-out lines after the last epoch; then with splits without leaks, by the
key of each answer, measured on the validation split.
"""

import argparse
import json
import statistics
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.measure import RESULTS, machine, write_json

COMMON = "--batch-size 128 --optimizer adam --clip 5 --emsize 16"
ADDITION = f"{COMMON} --nhid 128 --epochs 25"
DATES = f"{COMMON} --nhid 256 --epochs 10 --lr 0.001 --attention general --reverse"
ROWS: dict[str, tuple[str, str]] = {
    "add-plain": (f"book:addition {ADDITION} --lr 0.001", "4.8-7.8 %"),
    "add-rev": (f"book:addition {ADDITION} --lr 0.001 --reverse", "54.1-54.4 %"),
    "add-revpeek": (f"book:addition {ADDITION} --lr 0.001 --reverse --peeky", "97.6-98.4 %"),
    "add-attention": (
        f"book:addition {ADDITION} --lr 0.004 --schedule cosine --attention general --reverse --peeky",
        "not in the book",
    ),
    "dates": (f"book:dates {DATES}", "99.9 % from epoch 3"),
}
"""Flags of each row, and the published result."""


def train(path: Path, flags: str, seed: int) -> list[float]:
    """Train a run unless it is complete, and return the exact match after each epoch."""
    words = f"-m seqkit train-seq2seq {flags} --seed {seed} --threads 1 --quiet --json --resume --out".split()
    done = subprocess.run([sys.executable, *words, str(path)], capture_output=True, text=True, check=True)
    return [epoch["exact_match"] for epoch in json.loads(done.stdout)["epochs"]]


def main() -> None:
    """Train missing runs, print the table and write it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.textbook_seq2seq", description=__doc__)
    parser.add_argument("--runs", type=Path, required=True, help="folder of the runs")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=2, help="runs at a time [%(default)s]")
    options = parser.parse_args()
    rows = {f"book-{name}": row for name, row in ROWS.items()}
    rows |= {f"free-{name}": (flags.removeprefix("book:"), "-") for name, (flags, _) in ROWS.items()}
    results = {}
    with ThreadPoolExecutor(options.jobs) as pool:
        futures = {
            name: [
                pool.submit(train, options.runs / f"{name}-{seed}", flags, seed)
                for seed in range(options.seeds)
            ]
            for name, (flags, _) in rows.items()
        }
        for name, runs in futures.items():
            epochs = [run.result() for run in runs]
            last = [100 * run[-1] for run in epochs]
            spread = f" ± {statistics.stdev(last):.1f}" if len(last) > 1 else ""
            flags, book = rows[name]
            shown = " ".join(f"{value:.1f}" for value in last)
            print(
                f"{flags}\n    {statistics.mean(last):.1f}{spread} % ({shown}); the book: {book}", flush=True
            )
            results[name] = {"flags": flags, "book": book, "exact_match": epochs}
    write_json(RESULTS / "textbook_seq2seq.json", {"rows": results, "machine": machine()})


if __name__ == "__main__":
    main()
