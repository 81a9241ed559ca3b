"""One epoch of language models on 1 and on 2 processes of one thread, at the same batch.

    python -m benchmarks.scaling                    # one host
    python -m benchmarks.scaling --launcher RUN     # `RUN N COMMAND…` starts N processes, on several hosts

For each model: the validation perplexity after the epoch, tokens a second, how many times as fast two
processes are, and the bytes that a process sends in a step. Runs are made in turn, REPEATS times; speeds are
medians. ``--max-steps`` takes a part of the epoch.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

DENSE = ["--optimizer", "adamw", "--batch-size", "32", "--sampled-softmax", "0", "--dropout", "0.5"]
"""Settings of the recurrent models: all gradients are dense."""
MODELS: dict[str, list[str]] = {
    "LSTM 2×200": [*DENSE, "--emsize", "200", "--nhid", "200", "--nlayers", "2"],
    "LSTM 2×650": [*DENSE, "--emsize", "650", "--nhid", "650", "--nlayers", "2"],
    "Transformer 2×200": ["--model", "transformer", "--emsize", "200", "--nlayers", "2"],
}


def train(launcher: list[str], size: int, corpus: str, flags: list[str], folder: Path) -> dict[str, Any]:
    """Train for an epoch; return perplexity, tokens a second without the first step, and bytes a step."""
    out = folder / f"run-{size}"
    command = [*launcher, str(size)] if size > 1 else []
    command += [sys.executable, "-m", "seqkit", "train-lm", corpus, "--epochs", "1", "--threads", "1"]
    command += [*flags, "--log-interval", "10", "--quiet", "--out", str(out)]
    subprocess.run(command, check=True, env={**os.environ, "OPENBLAS_NUM_THREADS": "1"})
    records = [json.loads(line) for line in (out / "log.jsonl").read_text("utf-8").splitlines()]
    steps = [record for record in records if "tokens_per_s" in record][1:]  # the first compiles and connects
    [end] = [record for record in records if "train_loss" in record]
    return {
        "perplexity": end["valid_ppl"],
        "tokens_per_s": statistics.median(record["tokens_per_s"] for record in steps),
        "bytes": statistics.median(record.get("bytes_sent", 0) / 10 for record in steps),
    }


def main() -> None:
    """Run and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--launcher", default="mpiexec -n", help="command before N COMMAND…")
    parser.add_argument("--corpus", default="ptb")
    parser.add_argument("--models", default=",".join(MODELS), help="names, separated by commas")
    parser.add_argument("--max-steps", type=int, default=None)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    launcher = shlex.split(options.launcher)
    head = ("model", "ppl 1", "ppl 2", "tokens/s 1", "tokens/s 2", "speed-up", "bytes a step")
    print("{:20} {:>9} {:>9} {:>11} {:>11} {:>9} {:>13}".format(*head))
    for name in options.models.split(","):
        flags = MODELS[name]
        if options.max_steps is not None:
            flags = [*flags, "--max-steps", str(options.max_steps)]
        results: dict[int, list[dict[str, Any]]] = {1: [], 2: []}
        for _ in range(options.repeats):
            for size in (1, 2):
                with tempfile.TemporaryDirectory() as folder:
                    results[size].append(train(launcher, size, options.corpus, flags, Path(folder)))
        one, two = (statistics.median(r["tokens_per_s"] for r in results[size]) for size in (1, 2))
        ratios = [b["tokens_per_s"] / a["tokens_per_s"] for a, b in zip(results[1], results[2], strict=True)]
        print(
            f"{name:20} {results[1][0]['perplexity']:9.4f} {results[2][0]['perplexity']:9.4f} {one:11,.0f} "
            f"{two:11,.0f} {statistics.median(ratios):9.2f} {results[2][0]['bytes']:13,.0f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
