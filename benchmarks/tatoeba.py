"""BLEU of a run on the Tatoeba English-French test split, greedy and by beam search, and of baselines.

    python -m benchmarks.tatoeba --run RUN [--examples 20]

RUN is a run of the recipe tatoeba-eng-fra. The baselines copy the source, or replace each word by its most
probable translation by IBM model 1 (Brown et al. 1993, section 4.2), after five rounds of expectation
maximisation over the training pairs. The examples are evenly spaced test sentences.
"""

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.measure import RESULTS, machine, write_json
from seqkit import metrics
from seqkit.data import EncodedSeq2Seq
from seqkit.tasks.seq2seq import TrainedSeq2Seq, load

BEAM, ROUNDS = 5, 5


def word_translations(pairs: EncodedSeq2Seq, sources: int, targets: int) -> np.ndarray:
    """Return the most probable target id of each source id by IBM model 1 without the null word."""
    chains = [
        (np.unique(pairs.source_ids(row)), np.unique(pairs.target_ids(row))) for row in range(len(pairs))
    ]
    s = np.concatenate([np.repeat(a, len(b)) for a, b in chains]).astype(np.int64)
    t = np.concatenate([np.tile(b, len(a)) for a, b in chains]).astype(np.int64)
    # an id for each pair and target word, over which the expectation is normalised
    position = np.concatenate([np.tile(b, len(a)) + i * targets for i, (a, b) in enumerate(chains)])
    position = np.unique(position, return_inverse=True)[1]
    together, link = np.unique(s * targets + t, return_inverse=True)
    of_source = together // targets
    table = np.ones(len(together))
    for _ in range(ROUNDS):
        posterior = table[link]
        posterior /= np.bincount(position, posterior)[position]
        counts = np.bincount(link, posterior, minlength=len(together))
        table = counts / np.bincount(of_source, counts, minlength=sources)[of_source]
    best = np.zeros(sources, np.int64)
    order = np.argsort(table, kind="stable")  # the most probable is written last
    best[of_source[order]] = together[order] % targets
    return best


def baselines(model: TrainedSeq2Seq, texts: list[str], targets: list[str]) -> dict[str, metrics.Bleu]:
    """Return BLEU of the copied source and of the word-by-word translation."""
    encoded = model.encoded()
    sizes = len(model.source_vocabulary), len(model.target_vocabulary)
    best = word_translations(encoded.splits["train"], *sizes)
    rows = [model.source_vocabulary.encode(model.source_tokenizer.tokenize(text)) for text in texts]
    literal = [
        model.target_tokenizer.detokenize(model.target_vocabulary.decode(best[row].tolist())) for row in rows
    ]
    return {"source copied": metrics.bleu(texts, targets), "word by word": metrics.bleu(literal, targets)}


def main() -> None:
    """Print and write BLEU, and print the examples."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.tatoeba", description=__doc__)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--examples", type=int, default=20)
    options = parser.parse_args()
    model = load(options.run)
    pairs = list(model.pairs().sources["test"]())
    texts, targets = [source for source, _ in pairs], [target for _, target in pairs]
    figures: dict[str, Any] = {}
    for name, bleu in baselines(model, texts, targets).items():
        figures[name] = bleu.score
        print(f"{name:<16}BLEU {bleu.score:6.2f}", flush=True)
    for beam in (1, BEAM):
        started = time.perf_counter()
        scores = model.evaluate("test", beam=beam)
        name = "greedy" if beam == 1 else f"beam {beam}"
        figures[name] = scores.to_dict()
        print(
            f"{name:<16}BLEU {scores.bleu:6.2f}   exact match {scores.exact_match:.2%}, perplexity "
            f"{scores.perplexity:.2f}, {scores.pairs:,} pairs, {time.perf_counter() - started:.0f} s\n"
            f"{'':<16}{scores.bleu_signature}",
            flush=True,
        )
    chosen = range(0, len(texts), len(texts) // options.examples)[: options.examples]
    answers = model.translate([texts[i] for i in chosen], beam=BEAM)
    for i, best in zip(chosen, answers, strict=True):
        print(f"| {texts[i]} | {best[0].text} | {targets[i]} |")
    seconds = json.loads(model.run.log.path.read_text("utf-8").splitlines()[-1])["seconds"]
    print(f"trained in {seconds:.0f} s")
    write_json(RESULTS / "tatoeba.json", {"bleu": figures, "seconds": seconds, "machine": machine()})


if __name__ == "__main__":
    main()
