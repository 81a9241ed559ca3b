"""Scoring the lines of a test split with an n-gram model. Peer: KenLM's Python module, on the same model.

Fits a Kneser-Ney model of --order on --corpus, writes it as an ARPA file for KenLM, and scores the lines of
the test split: all lines in one call, and a call a line, as KenLM has it, which uses one thread. Both must
give the same log10 P of every line within a relative 1e-4, because KenLM's numbers are float32. Then the time
from the run's folder to the score of one line, which KenLM has no counterpart to without its binary format.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

import seqkit
from benchmarks.measure import paired, rate_row, row
from seqkit.corpora import open_corpus
from seqkit.tasks.language_modeling import LanguageModelSettings, train

RUNS = 5
TOLERANCE = 1e-4


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this benchmark."""
    parser.add_argument("--corpus", default="ptb", help="corpus to fit and to score [%(default)s]")
    parser.add_argument("--order", type=int, default=5, help="order of the model [%(default)s]")


def results_name(options: argparse.Namespace) -> str:
    """Return the name of the results file."""
    return "ngram_scoring" if options.corpus == "ptb" else f"ngram_scoring-{Path(options.corpus).name}"


def run(peer: str, runs: int, options: argparse.Namespace) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """Return the words a second of both; ends of lines count as words."""
    import kenlm

    with tempfile.TemporaryDirectory() as folder:
        settings = LanguageModelSettings(corpus=options.corpus, model="kneser-ney", order=options.order)
        train(settings, Path(folder, "run"))
        ours = seqkit.NGram(Path(folder, "run"))
        ours.save_arpa(Path(folder, "model.arpa"))
        theirs = kenlm.Model(str(Path(folder, "model.arpa")))
        lines = [" ".join(line.split()) for line in open_corpus(options.corpus).sources["test"]()]
        lines = [line for line in lines if line]
        words = sum(len(line.split()) + 1 for line in lines)

        def peer_scores() -> list[float]:
            return [theirs.score(line) for line in lines]

        ways = {
            "all lines in one call": lambda: ours.scores(lines),
            "a call a line": lambda: [ours.score(line) for line in lines],
        }
        rows = []
        for name, our_scores in ways.items():
            difference = float(np.max(np.abs(1 - np.array(our_scores()) / np.array(peer_scores()))))
            if difference > TOLERANCE:
                raise AssertionError(f"the scores differ by {difference:.1e} of them")
            times = paired({"ours": our_scores, "peer": peer_scores}, runs, warmup=1)
            rates = {side: [words / each for each in seconds] for side, seconds in times.items()}
            rows.append(rate_row(f"{len(lines):,} lines, {name}", rates["ours"], rates["peer"], "words/s"))
            rows[-1]["difference"] = difference
        opening = paired({"ours": lambda: seqkit.NGram(Path(folder, "run")).score(lines[0])}, runs, warmup=1)
        rows.append(row("open the run and score a line", opening["ours"], None))
    return rows, {"kenlm": getattr(kenlm, "__version__", "unknown")}
