"""BLEU of a run on the Tatoeba English-French test split, greedy and by beam search, and of baselines.

    python -m benchmarks.tatoeba --run RUN [--examples 20]

RUN is a run of the recipe tatoeba-eng-fra. The baselines copy the source, or replace each word by its most
probable translation by IBM model 1 (seqkit/models/word_translation.py). The examples are evenly spaced.
"""

import argparse
import json
import time
from pathlib import Path
from typing import Any

from benchmarks.measure import RESULTS, machine, write_json
from seqkit.tasks.seq2seq import load

BEAM = 5


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
    for beam in (1, BEAM):
        started = time.perf_counter()
        scores = model.evaluate("test", beam=beam, baseline=beam == 1)
        for baseline, score in scores.baselines.items():
            print(f"{baseline:<16}BLEU {score:6.2f}", flush=True)
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
