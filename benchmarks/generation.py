"""Generating text with models of GPT-2's shapes: reading a prompt, and writing token by token.

The peer is the reference library, transformers in PyTorch, with its cache of keys and values. Both get the
same random weights (124 million, as many as GPT-2 has, unless options say otherwise) and the same prompt, and
take the likeliest token; the tokens must be the same. "Prompt" is the time to the first new token, "each next
token" that of the others.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.measure import PAUSE, row
from seqkit.decoding import greedy
from seqkit.models import TransformerLanguageModel, TransformerLanguageModelConfig, gpt2
from seqkit.threads import thread_count

RUNS = 5
PROMPT, NEW = 100, 20
ROWS = (1, 8)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this benchmark."""
    parser.add_argument("--layers", type=int, default=12, help="layers of both models [%(default)s]")
    parser.add_argument("--width", type=int, default=768, help="E of both models [%(default)s]")
    parser.add_argument("--types", type=int, default=50_257, help="V of both models [%(default)s]")


def our_model(options: argparse.Namespace) -> TransformerLanguageModel:
    """Return a model laid out as GPT-2, with random weights."""
    config = TransformerLanguageModelConfig(
        vocab_size=options.types,
        embedding_size=options.width,
        num_layers=options.layers,
        num_heads=options.width // 64,
        max_length=1024,
        activation="gelu-tanh",
        output_bias=False,
        tied=True,
    )
    return TransformerLanguageModel(config, generator=0).eval()


def their_model(ours: TransformerLanguageModel) -> Any:
    """Return the reference library's model with the same weights."""
    import torch
    import transformers

    torch.set_num_threads(thread_count())
    transformers.logging.set_verbosity_error()
    with tempfile.TemporaryDirectory() as folder:
        gpt2.save(ours, folder)
        return transformers.GPT2LMHeadModel.from_pretrained(folder).eval()


def run(peer: str, runs: int, options: argparse.Namespace) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """Return the times of a prompt and of the tokens after it, for each number of rows."""
    import torch
    import transformers

    ours = our_model(options)
    theirs = their_model(ours)
    prompt = np.random.default_rng(0).integers(0, options.types, PROMPT)

    def our_ids(rows: int, count: int) -> list[list[int]]:
        found = greedy(
            ours, batch=rows, max_new_tokens=count, start_id=int(prompt[0]), prompt=prompt[1:], stop=()
        )
        return [each.ids for each in found]

    def their_ids(rows: int, count: int) -> list[list[int]]:
        given = torch.from_numpy(np.tile(prompt, (rows, 1)))
        with torch.inference_mode():
            found = theirs.generate(
                given,
                attention_mask=torch.ones_like(given),
                max_new_tokens=count,
                min_new_tokens=count,
                do_sample=False,
                pad_token_id=0,
                eos_token_id=None,
            )
        return found[:, PROMPT:].tolist()

    result = []
    for rows in ROWS:
        if our_ids(rows, NEW) != their_ids(rows, NEW):
            raise AssertionError("the tokens differ")
        sides: dict[str, Callable[[int, int], Any]] = {"ours": our_ids, "peer": their_ids}
        times: dict[str, list[tuple[float, float]]] = {name: [] for name in sides}
        for _ in range(runs):
            for name, generate in sides.items():
                time.sleep(PAUSE)
                seconds = []
                for count in (1, NEW):
                    generate(rows, 1)
                    started = time.perf_counter()
                    generate(rows, count)
                    seconds.append(time.perf_counter() - started)
                times[name].append((seconds[0], (seconds[1] - seconds[0]) / (NEW - 1)))
        for place, name in enumerate((f"prompt of {PROMPT} tokens", "each next token")):
            mine, other = ([each[place] for each in times[side]] for side in sides)
            result.append(row(f"{name}, {rows} at once", mine, other))
    return result, {"torch": torch.__version__, "transformers": transformers.__version__}
