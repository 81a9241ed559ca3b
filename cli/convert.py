"""seqkit convert."""

import click

from seqkit.cli.common import echo
from seqkit.cli.progress import quiet_option


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
@click.option(
    "--limit",
    type=click.IntRange(1),
    default=None,
    help="Read only this many words, from the start.  [default: all]",
)
@click.option("--encoding", default="utf8", show_default=True, help="Encoding of the words of IN.")
@click.option(
    "--errors",
    type=click.Choice(["strict", "ignore", "replace"]),
    default="strict",
    show_default=True,
    help="How to handle bytes that are invalid in the encoding.",
)
@quiet_option
def command(
    source: str,
    target: str,
    source_format: str | None,
    target_format: str | None,
    keep_first: bool,
    limit: int | None,
    encoding: str,
    errors: str,
) -> None:
    """Convert word vectors between formats: native, word2vec text and binary, GloVe, fastText, projector."""
    from seqkit.tasks.embeddings import open_vectors
    from seqkit.vectors.formats import COMMAND, ReadOptions, writer

    write = writer(target, target_format)  # before the vectors are read, which may take minutes
    duplicates = "first" if keep_first else "error"
    options = ReadOptions(limit, encoding, errors, duplicates, writable=False, remedies=COMMAND)
    table = open_vectors(source, source_format, options)
    write(table, target)
    echo(f"{target}: {len(table):,} vectors of {table.vector_size} dimensions")
