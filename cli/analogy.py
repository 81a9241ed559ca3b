"""seqkit analogy."""

import click

from seqkit.cli.common import TEXT, json_option, print_json, warn
from seqkit.cli.progress import quiet_option
from seqkit.cli.similar import as_rows, print_neighbours, topn_option, vectors_option


@click.command("analogy")
@click.argument("a", type=TEXT)
@click.argument("b", type=TEXT)
@click.argument("c", type=TEXT)
@click.option(
    "--by",
    type=click.Choice(["cosine", "dot"]),
    default="cosine",
    show_default=True,
    help="Similarity: cosine of unit vectors, or dot product of the vectors as they are.",
)
@vectors_option
@topn_option
@quiet_option
@json_option
def command(a: str, b: str, c: str, by: str, vectors: str | None, topn: int, as_json: bool) -> None:
    """Solve an analogy: A is to B as C is to what? Print the words nearest to B - A + C."""
    from seqkit.tasks.embeddings import find_vectors, known_spelling

    table = find_vectors(vectors, warn)
    a, b, c = (known_spelling(table, word, warn) for word in (a, b, c))
    nearest = table.most_similar if by == "cosine" else table.most_similar_by_dot
    neighbours = nearest(positive=[b, c], negative=[a], topn=topn)
    print_json(as_rows(neighbours)) if as_json else print_neighbours(neighbours)
