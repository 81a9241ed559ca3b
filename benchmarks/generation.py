"""Generating text: reading a prompt, writing token by token, and 1,000 tokens by each kind of model.

Both sides get the same random weights and the same prompt, and take the likeliest token; the tokens must be
the same. The peer of Transformers is the reference library, transformers in PyTorch, with its cache of keys
and values, and that of recurrent models PyTorch's layers, which carry their state; n-grams have none.

The first rows are of GPT-2's shapes (124 million weights, as many as GPT-2 has, unless options say
otherwise): "prompt" is the time to the first new token, "each next token" that of the others.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, TypeAlias

import numpy as np

from benchmarks.measure import PAUSE, rate_row, row
from seqkit.decoding import Decodable, greedy
from seqkit.models import (
    LanguageModel,
    LanguageModelConfig,
    TransformerLanguageModel,
    TransformerLanguageModelConfig,
    gpt2,
)
from seqkit.models.ngrams import NGramConfig, fit_kneser_ney
from seqkit.threads import thread_count

RUNS = 5
PROMPT, NEW = 100, 20
ROWS = (1, 8)
TYPES, LONG = 10_000, 1_000

Generate: TypeAlias = Callable[[np.ndarray, int, int], list[list[int]]]
"""Of a prompt, a number of rows and a number of tokens, the new ids of each row."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this benchmark."""
    parser.add_argument("--layers", type=int, default=12, help="layers of both models [%(default)s]")
    parser.add_argument("--width", type=int, default=768, help="E of both models [%(default)s]")
    parser.add_argument("--types", type=int, default=50_257, help="V of both models [%(default)s]")


def our_model(layers: int, width: int, types: int) -> TransformerLanguageModel:
    """Return a model laid out as GPT-2, with random weights."""
    config = TransformerLanguageModelConfig(
        vocab_size=types,
        embedding_size=width,
        num_layers=layers,
        num_heads=width // 64,
        max_length=PROMPT + LONG,
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


def by_seqkit(model: Decodable) -> Generate:
    """Return a function that continues a prompt, the same in each row, by the likeliest ids."""

    def ids(prompt: np.ndarray, rows: int, count: int) -> list[list[int]]:
        found = greedy(
            model, batch=rows, max_new_tokens=count, start_id=int(prompt[0]), prompt=prompt[1:], stop=()
        )
        return [each.ids for each in found]

    return ids


def by_transformers(model: Any) -> Generate:
    """Return the same function of the reference library's model."""
    import torch

    def ids(prompt: np.ndarray, rows: int, count: int) -> list[list[int]]:
        given = torch.from_numpy(np.tile(prompt, (rows, 1)))
        with torch.inference_mode():
            found = model.generate(
                given,
                attention_mask=torch.ones_like(given),
                max_new_tokens=count,
                min_new_tokens=count,
                do_sample=False,
                pad_token_id=0,
                eos_token_id=None,
            )
        return found[:, len(prompt) :].tolist()

    return ids


def prompt_and_next(runs: int, options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Iterate over the times of a prompt and of the tokens after it, for each number of rows."""
    ours = our_model(options.layers, options.width, options.types)
    theirs = their_model(ours)
    prompt = np.random.default_rng(0).integers(0, options.types, PROMPT)
    sides = {"ours": by_seqkit(ours), "peer": by_transformers(theirs)}
    for rows in ROWS:
        if sides["ours"](prompt, rows, NEW) != sides["peer"](prompt, rows, NEW):
            raise AssertionError("the tokens differ")
        times: dict[str, list[tuple[float, float]]] = {name: [] for name in sides}
        for _ in range(runs):
            for name, generate in sides.items():
                time.sleep(PAUSE)
                seconds = []
                for count in (1, NEW):
                    generate(prompt, rows, 1)
                    started = time.perf_counter()
                    generate(prompt, rows, count)
                    seconds.append(time.perf_counter() - started)
                times[name].append((seconds[0], (seconds[1] - seconds[0]) / (NEW - 1)))
        for place, name in enumerate((f"prompt of {PROMPT} tokens", "each next token")):
            mine, other = ([each[place] for each in times[side]] for side in sides)
            yield row(f"{name}, {rows} at once", mine, other)


def by_torch(ours: LanguageModel) -> Generate:
    """Return the same function of a recurrent model with the weights of ours, for one row."""
    import torch

    config = ours.config
    layers = getattr(torch.nn, config.model.upper())(
        config.embedding_size, config.hidden_size, config.num_layers
    )
    weights = {name: torch.from_numpy(tensor.data) for name, tensor in ours.named_parameters()}
    with torch.no_grad():
        for depth in range(config.num_layers):
            prefix = f"recurrent.layers.{depth}."
            for name in ("weight_ih", "weight_hh"):
                getattr(layers, f"{name}_l{depth}").copy_(weights[prefix + name])
            bias = weights.get(prefix + "bias")
            zeros = None if bias is None else torch.zeros_like(bias)
            getattr(layers, f"bias_ih_l{depth}").copy_(weights[prefix + "bias_ih"] if bias is None else bias)
            getattr(layers, f"bias_hh_l{depth}").copy_(
                weights[prefix + "bias_hh"] if zeros is None else zeros
            )
    vectors, bias = weights["embedding.weight"], weights["output.bias"]

    def ids(prompt: np.ndarray, rows: int, count: int) -> list[list[int]]:
        fed, state, found = torch.from_numpy(prompt), None, []
        with torch.inference_mode():
            for _ in range(count):
                y, state = layers(vectors[fed], state)
                fed = torch.nn.functional.linear(y[-1:], vectors, bias).argmax(1)
                found.append(int(fed))
        return [found]

    return ids


def thousand_tokens(runs: int) -> Iterator[dict[str, Any]]:
    """Iterate over the tokens a second of each kind of model after a prompt, one sequence at a time."""
    prompt = np.random.default_rng(0).integers(0, TYPES, PROMPT)
    kinds: dict[str, tuple[Decodable, Generate | None]] = {}
    for kind in ("lstm", "gru", "rnn"):
        config = LanguageModelConfig(
            TYPES, model=kind, embedding_size=200, hidden_size=200, num_layers=2, tied=True
        )
        recurrent = LanguageModel(config, generator=0).eval()
        kinds[f"{kind.upper()}, 2x200"] = recurrent, by_torch(recurrent)
    for name, layers, width, types in (("4x256", 4, 256, TYPES), ("GPT-2's shapes", 12, 768, 50_257)):
        transformer = our_model(layers, width, types)
        kinds[f"Transformer, {name}"] = transformer, by_transformers(their_model(transformer))
    words = np.random.default_rng(1).zipf(1.2, 1_000_000) % TYPES
    kinds["5-grams of a million tokens"] = fit_kneser_ney(words, NGramConfig(TYPES, 5, eos_id=0)), None
    for name, (model, theirs) in kinds.items():
        sides: dict[str, Callable[[], Any]] = {"ours": partial(by_seqkit(model), prompt, 1, LONG)}
        if theirs is not None:
            sides["peer"] = partial(theirs, prompt, 1, LONG)
            if sides["ours"]() != sides["peer"]():
                raise AssertionError(f"{name}: the tokens differ")
        rates: dict[str, list[float]] = {side: [] for side in sides}
        for _ in range(runs):
            for side, generate in sides.items():
                time.sleep(PAUSE)
                started = time.perf_counter()
                generate()
                rates[side].append(LONG / (time.perf_counter() - started))
        found = rate_row(f"{LONG:,} tokens, {name}", rates["ours"], rates.get("peer"), "tokens/s")
        yield found | ({"against": "PyTorch"} if isinstance(model, LanguageModel) else {})


def run(peer: str, runs: int, options: argparse.Namespace) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """Return the rows of a prompt and of next tokens, and those of each kind of model."""
    import torch
    import transformers

    rows = [*prompt_and_next(runs, options), *thousand_tokens(min(runs, 3))]
    return rows, {"torch": torch.__version__, "transformers": transformers.__version__}
