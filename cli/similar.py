"""seqkit similar."""

from typing import Any

import click

from seqkit.cli.common import TEXT, echo, json_option, print_json, warn
from seqkit.cli.progress import quiet_option

vectors_option = click.option(
    "--vectors",
    type=click.Path(),
    default=None,
    help="Run of train-embeddings, or vector file.  "
    "[default: $SEQKIT_VECTORS, or vectors of the embedded corpus]",
)
topn_option = click.option(
    "-n", "--topn", type=click.IntRange(1), default=10, show_default=True, help="Number of words."
)

Neighbours = list[tuple[str, float]]


def as_rows(neighbours: Neighbours) -> list[dict[str, Any]]:
    """Return a list of neighbours as JSON objects."""
    return [{"word": word, "similarity": float(score)} for word, score in neighbours]


def print_neighbours(neighbours: Neighbours) -> None:
    """Print a line for each neighbour: similarity and word."""
    for word, score in neighbours:
        echo(f"{score:.4f}\t{word}")


@click.command("similar")
@click.argument("words", nargs=-1, required=True, type=TEXT)
@click.option("--minus", multiple=True, type=TEXT, metavar="WORD", help="Word to subtract; may be repeated.")
@click.option("--together", is_flag=True, help="Find the words nearest to the mean of WORDS.")
@vectors_option
@topn_option
@quiet_option
@json_option
def command(
    words: tuple[str, ...],
    minus: tuple[str, ...],
    together: bool,
    vectors: str | None,
    topn: int,
    as_json: bool,
) -> None:
    """Print the words nearest to each of WORDS, by cosine; with --minus or --together, to their mean.

    --json prints a list of objects, each a word and its neighbours.
    """
    from seqkit.tasks.embeddings import find_vectors, known_spelling

    table = find_vectors(vectors, warn)
    added, subtracted = ([known_spelling(table, word, warn) for word in each] for each in (words, minus))
    if minus or together:
        label = " + ".join(words) + "".join(f" - {word}" for word in minus)
        lists = [(label, table.most_similar(positive=added, negative=subtracted, topn=topn))]
    else:
        lists = list(zip(words, table.most_similar_batch(added, topn), strict=True))
    if as_json:
        print_json([{"word": word, "neighbours": as_rows(neighbours)} for word, neighbours in lists])
        return
    for number, (word, neighbours) in enumerate(lists):
        if len(lists) > 1:
            echo(f"{chr(10) if number else ''}{word}:")
        print_neighbours(neighbours)
