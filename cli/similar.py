"""seqkit similar."""

from __future__ import annotations

from typing import Any

import click

from seqkit.cli.common import echo, json_option, print_json

vectors_option = click.option(
    "--vectors",
    type=click.Path(),
    default=None,
    help="A run of train-embeddings, or a vector file.  "
    "[default: $SEQKIT_VECTORS, else those of the embedded corpus]",
)
topn_option = click.option("-n", "--topn", type=click.IntRange(1), default=10, show_default=True)

Neighbours = list[tuple[str, float]]


def as_rows(neighbours: Neighbours) -> list[dict[str, Any]]:
    """The JSON of a list of neighbours."""
    return [{"word": word, "similarity": float(score)} for word, score in neighbours]


def print_neighbours(neighbours: Neighbours) -> None:
    """One word a line, its similarity before it."""
    for word, score in neighbours:
        echo(f"{score:.4f}\t{word}")


@click.command("similar")
@click.argument("words", nargs=-1, required=True)
@click.option("--minus", multiple=True, metavar="WORD", help="A word to subtract; may be repeated.")
@click.option("--together", is_flag=True, help="Words near to the mean of WORDS, not to each of them.")
@vectors_option
@topn_option
@json_option
def command(
    words: tuple[str, ...],
    minus: tuple[str, ...],
    together: bool,
    vectors: str | None,
    topn: int,
    as_json: bool,
) -> None:
    """Print the words nearest to each of WORDS, by cosine; with --minus or --together, to their mean."""
    from seqkit.tasks.embeddings import find_vectors

    table = find_vectors(vectors, lambda text: echo(text, err=True))
    if minus or together or len(words) == 1:
        found = table.most_similar(positive=list(words), negative=list(minus), topn=topn)
        print_json(as_rows(found)) if as_json else print_neighbours(found)
        return
    lists = dict(zip(words, table.most_similar_batch(words, topn), strict=True))
    if as_json:
        print_json({word: as_rows(found) for word, found in lists.items()})
        return
    for place, (word, found) in enumerate(lists.items()):
        echo(f"{'' if place == 0 else chr(10)}{word}:")
        print_neighbours(found)
