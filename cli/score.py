"""seqkit score."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from seqkit.cli.common import device_option, json_option, threads_option

if TYPE_CHECKING:
    from seqkit.tasks.language_modeling.trained import LineScore


@click.command("score")
@click.argument("run", type=click.Path())
@click.argument("file", required=False, type=click.Path(allow_dash=True))
@device_option
@threads_option
@json_option
def command(run: str, file: str | None, device: str | None, as_json: bool) -> int:
    """Score each line of FILE, or of standard input, with the language model in RUN.

    For each line, prints its natural log-probability, tokens (including the end of the line), perplexity,
    unknown tokens and text, separated by tabs. Lines are scored independently. An empty line is answered by
    an empty line.
    """
    from seqkit.cli.lines import answer_lines, input_lines
    from seqkit.tasks.language_modeling import load

    lines = input_lines(file)
    model = load(run, device=device)
    return answer_lines(lines, model.score, _to_text, _to_dict, key="line", as_json=as_json)


def _to_text(line: str, score: LineScore) -> str:
    return f"{score.log_prob:.4f}\t{score.tokens}\t{score.perplexity:.2f}\t{score.unknown}\t{line}"


def _to_dict(line: str, score: LineScore) -> dict[str, Any]:
    return {"line": line, **vars(score)}
