"""seqkit score."""

from __future__ import annotations

import click

from seqkit.cli.common import device_option, json_option, lines_of, print_json, threads_option


@click.command("score")
@click.argument("run", type=click.Path())
@click.argument("file", required=False, type=click.Path(allow_dash=True))
@device_option
@threads_option
@json_option
def command(run: str, file: str | None, device: str | None, as_json: bool) -> None:
    """Score each line of FILE, or of standard input, with the language model in RUN.

    Prints per line, separated by tabs: natural log-probability, tokens (the end of line counted), perplexity,
    unknown tokens, and the line itself. Lines are scored independently.
    """
    from seqkit.tasks.language_modeling import load

    model = load(run, device=device)
    kept: list[str] = []

    def remembered():  # type: ignore[no-untyped-def]
        for line in lines_of(file):
            kept.append(line)
            yield line

    records = []
    for score in model.score(remembered()):
        line = kept.pop(0)
        if as_json:
            records.append({"line": line, **vars(score)})
        else:
            click.echo(
                f"{score.log_prob:.4f}\t{score.tokens}\t{score.perplexity:.2f}\t{score.unknown}\t{line}"
            )
    if as_json:
        print_json(records)
