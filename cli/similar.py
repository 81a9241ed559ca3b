"""seqkit similar."""

from __future__ import annotations

import click

from seqkit.cli.common import json_option, print_json

vectors_option = click.option(
    "--vectors",
    type=click.Path(),
    default=None,
    help="A vector file.  [default: $SEQKIT_VECTORS, else those of the embedded corpus]",
)
topn_option = click.option("-n", "--topn", type=click.IntRange(1), default=10, show_default=True)


def print_neighbours(neighbours: list[tuple[str, float]], as_json: bool) -> None:
    """One word a line with its cosine, or a JSON list."""
    if as_json:
        print_json([{"word": word, "similarity": float(cosine)} for word, cosine in neighbours])
        return
    for word, cosine in neighbours:
        click.echo(f"{cosine:.4f}\t{word}")


@click.command("similar")
@click.argument("words", nargs=-1, required=True)
@click.option("--minus", multiple=True, metavar="WORD", help="A word to subtract; may be repeated.")
@vectors_option
@topn_option
@json_option
def command(
    words: tuple[str, ...], minus: tuple[str, ...], vectors: str | None, topn: int, as_json: bool
) -> None:
    """Print the words nearest to the mean of WORDS, by cosine."""
    from seqkit.tasks.word_vectors import find_vectors

    table = find_vectors(vectors, lambda text: click.echo(text, err=True))
    print_neighbours(table.most_similar(positive=list(words), negative=list(minus), topn=topn), as_json)
