"""A training that a time limit ends: should the schedule be cut there, or end there?

    python -m benchmarks.time_limits [--corpus pydocs] [--model lstm] [--seeds 3] [--fractions 0.25 0.5]

Trains the default model of train-lm twice for each seed and fraction of its steps: with a cosine over all
epochs that is cut there, and with a cosine that ends there. Both see the same batches. Steps stand for
seconds, so the machine and its load change no figure. The perplexity is the best of the validations, after
each epoch and at the end: that of the weights a run keeps.
"""

import argparse
import math
import statistics
import tempfile
from dataclasses import replace
from pathlib import Path

from benchmarks.measure import RESULTS, machine, write_json
from seqkit.corpora import open_corpus
from seqkit.data import EncodedCorpus
from seqkit.tasks.language_modeling import LanguageModelSettings
from seqkit.tasks.language_modeling.settings import ResolvedLanguageModelSettings
from seqkit.tasks.language_modeling.task import NeuralLanguageModeling
from seqkit.tasks.text import encode_text
from seqkit.training import RunDirectory
from seqkit.training.trainer import Trainer


def best_perplexity(settings: ResolvedLanguageModelSettings, text: EncodedCorpus, steps: int) -> float:
    """Train for ``steps`` steps, wherever the schedule ends, and return the best validation perplexity."""
    task = NeuralLanguageModeling(settings, text)
    with tempfile.TemporaryDirectory() as folder:
        trainer = Trainer(task, RunDirectory.create(Path(folder) / "run", task.config, task.artifacts))
        trainer.rules = replace(trainer.rules, max_steps=steps)
        progress = trainer.fit()
    assert progress.step == steps
    assert progress.best is not None
    return math.exp(progress.best)


def main() -> None:
    """Train, print each result as it comes, then write the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.time_limits", description=__doc__)
    parser.add_argument("--corpus", default="pydocs")
    parser.add_argument("--model", default="lstm")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--fractions", type=float, nargs="+", default=[0.25, 0.5])
    options = parser.parse_args()
    corpus = open_corpus(options.corpus)
    rows = []
    for fraction in options.fractions:
        pairs = []
        for seed in range(options.seeds):
            given = LanguageModelSettings(corpus=options.corpus, model=options.model, seed=seed)
            resolved = given.resolve(corpus)
            text = encode_text(resolved, corpus, print)
            settings = resolved.for_text(text.info["train"].tokens, len(text.vocabulary), subwords=False)
            assert settings.epochs is not None
            whole = NeuralLanguageModeling(settings, text).batches_per_epoch * settings.epochs
            steps = round(fraction * whole)
            cut = best_perplexity(settings, text, steps)
            ended = best_perplexity(replace(settings, max_steps=steps), text, steps)
            pairs.append((cut, ended))
            print(f"{steps:,} of {whole:,} steps, seed {seed}: cut {cut:.2f}, ended {ended:.2f}", flush=True)
        cuts, ends = zip(*pairs, strict=True)
        print(f"  mean: cut {statistics.mean(cuts):.2f}, ended {statistics.mean(ends):.2f}", flush=True)
        rows.append({"steps": steps, "of": whole, "cut": cuts, "ended": ends})
    name = f"time_limits-{options.corpus}-{options.model}.json"
    write_json(RESULTS / name, {"rows": rows, "machine": machine()})


if __name__ == "__main__":
    main()
