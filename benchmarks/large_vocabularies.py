"""A training step with the full, the adaptive and the sampled softmax, at four sizes of the vocabulary.

A 1×256 LSTM on 32 streams of 35 ids drawn by Zipf's law, with AdamW. Each row is a process of its own, for
its memory; the peer is the same model with the full softmax, and times are those of the process (CPU).
"""

import json
import resource
import subprocess
import sys
import time
from typing import Any

import numpy as np

RUNS = 5
SAMPLES = 4096
KINDS = ("adaptive softmax", "sampled softmax")
VOCABULARIES = (10_000, 50_000, 100_000, 250_000)
B, T, H = 32, 35, 256


def step_times(vocab_size: int, kind: str, runs: int) -> tuple[list[float], float]:
    """Return the CPU seconds of each step after the first, and the peak of the memory in MB.

    Args:
        vocab_size: V.
        kind: One of KINDS, or "full softmax".
        runs: Steps after the first.
    """
    from seqkit import Generator, optim
    from seqkit.models import LanguageModel, LanguageModelConfig
    from seqkit.tasks.language_modeling import LanguageModelSettings

    adaptive = LanguageModelSettings(adaptive_softmax="auto").cutoffs(vocab_size)
    config = LanguageModelConfig(
        vocab_size=vocab_size,
        embedding_size=H,
        hidden_size=H,
        cutoffs=adaptive if kind == "adaptive softmax" else (),
        sampled_softmax=SAMPLES if kind == "sampled softmax" else 0,
    )
    draws = Generator(0, "samples")
    model = LanguageModel(config, generator=0)
    optimizer = optim.AdamW(model.parameters(), lr=0.001)
    frequencies = 1 / np.arange(1, vocab_size + 1)
    ids = np.random.default_rng(0).choice(vocab_size, (B, T + 1), p=frequencies / frequencies.sum())
    times = []
    for _ in range(runs + 1):
        start = time.process_time()
        loss, _state = model.loss(ids[:, :-1], ids[:, 1:], generator=draws)
        loss.backward()
        optimizer.step()
        model.zero_grad()
        times.append(time.process_time() - start)
    return times[1:], resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _measure(vocab_size: int, kind: str, runs: int) -> tuple[float, float]:
    """Return the median seconds of a step, and the peak in MB, of a process of its own."""
    code = "import json, sys; from benchmarks.large_vocabularies import step_times; "
    code += f"print(json.dumps(step_times({vocab_size}, {kind!r}, {runs})))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    times, peak = json.loads(done.stdout)
    return float(np.median(times)), peak


def run(peer: str, runs: int) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """Return rows of seconds and of MB for each vocabulary."""
    rows = []
    for vocab_size in VOCABULARIES:
        full, full_memory = _measure(vocab_size, "full softmax", runs)
        for kind in KINDS:
            ours, memory = _measure(vocab_size, kind, runs)
            for what, unit, mine, theirs in (
                ("CPU time of a step", "s", ours, full),
                ("peak memory", "MB", memory, full_memory),
            ):
                rows.append(
                    {
                        "name": f"{kind}, {vocab_size:,} words, {what}",
                        "ours": round(mine, 3),
                        "peer": round(theirs, 3),
                        "against": "full softmax",
                        "unit": unit,
                        "ratio": round(theirs / mine, 2),
                        "runs": runs,
                    }
                )
    return rows, {}
