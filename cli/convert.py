"""seqkit convert."""

from __future__ import annotations

import click

from seqkit.cli.common import echo


@click.command("convert")
@click.argument("source", metavar="IN", type=click.Path())
@click.argument("target", metavar="OUT", type=click.Path())
@click.option(
    "--from", "source_format", default=None, metavar="FORMAT", help="Format of IN.  [default: by content]"
)
@click.option(
    "--to", "target_format", default=None, metavar="FORMAT", help="Format of OUT.  [default: by suffix]"
)
@click.option(
    "--keep-first", is_flag=True, help="Keep the first of a repeated word instead of refusing the file."
)
def command(
    source: str, target: str, source_format: str | None, target_format: str | None, keep_first: bool
) -> None:
    """Convert word vectors between formats: native, word2vec text and binary, GloVe, fastText, projector."""
    from seqkit.tasks.embeddings import open_vectors
    from seqkit.vectors.formats import save_vectors

    table = open_vectors(source, format=source_format, duplicates="first" if keep_first else "error")
    save_vectors(table, target, target_format)
    echo(f"{target}: {len(table):,} vectors of {table.vector_size} dimensions")
