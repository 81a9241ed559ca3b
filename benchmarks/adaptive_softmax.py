"""A training step with the full and with the adaptive softmax, at four sizes of the vocabulary.

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
VOCABULARIES = (10_000, 50_000, 100_000, 250_000)
B, T, H = 32, 35, 256


def step_times(vocab_size: int, adaptive: bool, runs: int) -> tuple[list[float], float]:
    """Return the CPU seconds of each step after the first, and the peak of the memory in MB."""
    from seqkit import optim
    from seqkit.models import LanguageModel, LanguageModelConfig
    from seqkit.tasks.language_modeling import LanguageModelSettings

    cutoffs = LanguageModelSettings(adaptive_softmax="auto").cutoffs(vocab_size) if adaptive else ()
    config = LanguageModelConfig(vocab_size=vocab_size, embedding_size=H, hidden_size=H, cutoffs=cutoffs)
    model = LanguageModel(config, generator=0)
    optimizer = optim.AdamW(model.parameters(), lr=0.001)
    frequencies = 1 / np.arange(1, vocab_size + 1)
    ids = np.random.default_rng(0).choice(vocab_size, (B, T + 1), p=frequencies / frequencies.sum())
    times = []
    for _ in range(runs + 1):
        start = time.process_time()
        loss, _state = model.loss(ids[:, :-1], ids[:, 1:])
        loss.backward()
        optimizer.step()
        model.zero_grad()
        times.append(time.process_time() - start)
    return times[1:], resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _measure(vocab_size: int, adaptive: bool, runs: int) -> tuple[float, float]:
    """Return the median seconds of a step, and the peak in MB, of a process of its own."""
    code = "import json, sys; from benchmarks.adaptive_softmax import step_times; "
    code += f"print(json.dumps(step_times({vocab_size}, {adaptive}, {runs})))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    times, peak = json.loads(done.stdout)
    return float(np.median(times)), peak


def run(peer: str, runs: int) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """Return rows of seconds and of MB for each vocabulary."""
    rows = []
    for vocab_size in VOCABULARIES:
        (ours, memory), (full, full_memory) = (_measure(vocab_size, each, runs) for each in (True, False))
        for what, unit, mine, theirs in (
            ("CPU time of a step", "s", ours, full),
            ("peak memory", "MB", memory, full_memory),
        ):
            rows.append(
                {
                    "name": f"adaptive softmax, {vocab_size:,} words, {what}",
                    "ours": round(mine, 3),
                    "peer": round(theirs, 3),
                    "against": "full softmax",
                    "unit": unit,
                    "ratio": round(theirs / mine, 2),
                    "runs": runs,
                }
            )
    return rows, {}
