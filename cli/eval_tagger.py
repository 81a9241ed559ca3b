"""seqkit eval-tagger."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from seqkit.cli.common import device_option, echo, json_option, print_json, split_option, threads_option
from seqkit.cli.parameter_types import CORPUS, RUN
from seqkit.cli.progress import quiet_option

if TYPE_CHECKING:
    from seqkit.tasks.sequence_labeling.evaluation import TaggingScores

_CONFUSIONS = 10
"""Confusions that are printed; --json has more."""


@click.command("eval-tagger")
@click.argument("run", type=RUN)
@split_option
@click.option(
    "--corpus", type=CORPUS, default=None, help="Sentences to evaluate on.  [default: those of the run]"
)
@device_option
@threads_option
@quiet_option
@json_option
def command(run: str, split: str | None, corpus: str | None, device: str | None, as_json: bool) -> None:
    """Evaluate the tagger in RUN.

    Prints the accuracy of words, known and unknown ones apart, precision, recall and F1 of spans by type and
    overall, counted as the conlleval script does, and the most frequent confusions. Of a --corpus that is a
    file, all sentences are evaluated unless --split is given.
    """
    from seqkit.tasks.sequence_labeling import load

    tagger = load(run, device=device)
    scores = tagger.evaluate(split, corpus=corpus)
    if as_json:
        print_json({**scores.to_dict(), "run": run, "corpus": corpus or tagger.settings.corpus})
        return
    _print_scores(scores)


def _print_scores(scores: TaggingScores) -> None:
    sizes = f"{scores.words:,} words, {scores.sentences:,} sentences ({scores.split})"
    echo(f"accuracy {scores.accuracy:.2%} of {sizes}")
    if scores.known_words is not None:
        unknown_words = scores.words - scores.known_words
        for name, accuracy, count in (
            ("known", scores.known_accuracy, scores.known_words),
            ("unknown", scores.unknown_accuracy, unknown_words),
        ):
            echo(f"no {name} words" if accuracy is None else f"{name} words {accuracy:.2%} of {count:,}")
    if scores.spans is not None:
        width = max(map(len, (*scores.by_type, "overall")))
        echo(f"\n{'':<{width}}  precision  recall      F1  true spans  predicted  correct")
        for name, row in (*scores.by_type.items(), ("overall", scores.spans)):
            ratios = f"{row.precision:>9.2%}  {row.recall:>6.2%}  {row.f1:>6.2%}"
            echo(f"{name:<{width}}  {ratios}  {row.true:>10,}  {row.predicted:>9,}  {row.correct:>7,}")
    if scores.confusions:
        echo("\nmost frequent confusions (true tag, predicted tag, words)")
        for true, predicted, count in scores.confusions[:_CONFUSIONS]:
            echo(f"{true}\t{predicted}\t{count:,}")
