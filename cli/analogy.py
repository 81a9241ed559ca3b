"""seqkit analogy."""

from __future__ import annotations

import click

from seqkit.cli.common import json_option
from seqkit.cli.similar import print_neighbours, topn_option, vectors_option


@click.command("analogy")
@click.argument("a")
@click.argument("b")
@click.argument("c")
@vectors_option
@topn_option
@json_option
def command(a: str, b: str, c: str, vectors: str | None, topn: int, as_json: bool) -> None:
    """A is to B as C is to what? (nearest to B - A + C by cosine)."""
    from seqkit.tasks.word_vectors import find_vectors

    table = find_vectors(vectors, lambda text: click.echo(text, err=True))
    print_neighbours(table.most_similar(positive=[b, c], negative=[a], topn=topn), as_json)
