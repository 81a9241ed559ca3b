"""seqkit eval-embeddings."""

import os

import click

from seqkit.cli.common import echo, json_option, print_json, warn
from seqkit.cli.progress import quiet_option
from seqkit.cli.similar import vectors_option
from seqkit.errors import UsageError


@click.command("eval-embeddings")
@click.argument("source", metavar="[VECTORS]", required=False, type=click.Path())
@vectors_option
@click.option(
    "--analogies",
    type=click.Path(),
    default=None,
    help="File of analogy questions.  [default: questions-words]",
)
@click.option(
    "--pairs",
    type=click.Path(),
    default=None,
    help="File of word pairs with scores.  [default: wordsim353]",
)
@quiet_option
@json_option
def command(
    source: str | None, vectors: str | None, analogies: str | None, pairs: str | None, as_json: bool
) -> None:
    """Evaluate VECTORS: accuracy on analogies, rank correlation with human similarity."""
    from seqkit.tasks.embeddings import evaluate, find_vectors
    from seqkit.tasks.embeddings.evaluation import evaluation_files

    if source is not None and vectors is not None:
        raise UsageError("expected VECTORS or --vectors, got both", remedy="give one of them")
    files = evaluation_files(analogies, pairs)  # before the vectors are read, which may take minutes
    name = source or vectors
    scores = evaluate(find_vectors(name, warn), *files)
    if as_json:
        print_json({"vectors": name or os.environ.get("SEQKIT_VECTORS"), **scores.to_dict()})
        return
    if scores.analogies is not None:
        for name, section in scores.analogies.sections.items():
            total = section["correct"] + section["incorrect"]
            if total:
                echo(f"{section['correct'] / total:7.2%} of {total:>6,}  {name}")
    if scores.pairs is not None:
        echo(
            f"Spearman {scores.pairs.spearman:.4f}, Pearson {scores.pairs.pearson:.4f}, "
            f"{scores.pairs.missing_percent:.1f}% of the pairs not in the vocabulary"
        )
