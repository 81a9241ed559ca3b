"""seqkit eval-embeddings."""

import click

from seqkit.cli.common import echo, json_option, print_json


@click.command("eval-embeddings")
@click.argument("vectors", type=click.Path())
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
@json_option
def command(vectors: str, analogies: str | None, pairs: str | None, as_json: bool) -> None:
    """Evaluate the vectors in a file: accuracy on analogies, rank correlation with human similarity."""
    from seqkit.tasks.embeddings import evaluate, open_vectors
    from seqkit.tasks.embeddings.evaluation import evaluation_files

    files = evaluation_files(analogies, pairs)  # before the vectors are read, which may take minutes
    scores = evaluate(open_vectors(vectors), *files)
    if as_json:
        print_json({"vectors": vectors, **scores.to_dict()})
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
