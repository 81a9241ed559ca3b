"""seqkit score."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from seqkit.cli.common import (
    device_option,
    echo,
    input_column_option,
    json_option,
    refuse_unused,
    threads_option,
)
from seqkit.cli.parameter_types import RUN
from seqkit.cli.progress import quiet_option

if TYPE_CHECKING:
    from seqkit.tasks.language_modeling.scoring import LineScore, TokenScore


@click.command("score")
@click.argument("run", type=RUN)
@click.argument("file", required=False, type=click.Path(allow_dash=True))
@click.option(
    "--tokens",
    is_flag=True,
    help="Print a table with a row for each token: line, position, token, log-probability, surprisal in "
    "bits, rank among all tokens, and 1 for an unknown token.",
)
@click.option("--log10", is_flag=True, help="Print logarithms to the base 10.  [default: natural]")
@click.option("--json-lines", is_flag=True, help="Print one JSON object per input line.")
@input_column_option
@device_option
@threads_option
@quiet_option
@json_option
def command(
    run: str,
    file: str | None,
    tokens: bool,
    log10: bool,
    json_lines: bool,
    text_column: int | str | None,
    device: str | None,
    as_json: bool,
) -> int:
    """Score each line of FILE, or of standard input, with the language model in RUN.

    RUN is a run of train-lm, an ARPA file of any tool, or a Hugging Face folder of a GPT-2.

    For each line, prints its natural log-probability, tokens (the end of the line counts, except with a
    GPT-2), perplexity, unknown tokens and text, separated by tabs. Lines are scored independently, and
    answered as they come. An empty line is answered by an empty line.
    """
    from seqkit.cli.lines import answer_lines, count_lines, input_lines
    from seqkit.tasks.causal_checkpoints import open_causal_model

    if json_lines:
        refuse_unused("as_json", "one list, without --json-lines")
    lines = input_lines(file, text_column)
    model = open_causal_model(run, device=device)
    scale, name = (1 / math.log(10), "log10_prob") if log10 else (1.0, "log_prob")
    number = 0

    def line_text(line: str, score: LineScore) -> str:
        log_prob = scale * score.log_prob
        return f"{log_prob:.4f}\t{score.tokens}\t{score.perplexity:.2f}\t{score.unknown}\t{line}"

    def line_dict(line: str, score: LineScore) -> dict[str, Any]:
        rest = {"tokens": score.tokens, "perplexity": score.perplexity, "unknown": score.unknown}
        return {"line": line, name: scale * score.log_prob, **rest}

    def token_rows(line: str, scores: list[TokenScore]) -> str:
        return "\n".join(
            f"{number}\t{position}\t{escape_cell(each.token)}\t{scale * each.log_prob:.4f}"
            f"\t{each.surprisal:.4f}\t{each.rank}\t{each.unknown:d}"
            for position, each in enumerate(scores, 1)
        )

    def token_dict(line: str, scores: list[TokenScore]) -> dict[str, Any]:
        return {
            "line": line,
            "tokens": [
                {
                    "token": each.token,
                    name: scale * each.log_prob,
                    "surprisal": each.surprisal,
                    "rank": each.rank,
                    "unknown": each.unknown,
                }
                for each in scores
            ],
        }

    def counted(line: int) -> None:
        nonlocal number
        number = line

    answered = partial(
        answer_lines, lines, key="line", as_json=as_json, json_lines=json_lines, total=count_lines(file)
    )
    if not tokens:
        return answered(model.score, line_text, line_dict)
    if not (as_json or json_lines):
        echo(f"line\tposition\ttoken\t{name}\tsurprisal\trank\tunknown")
    return answered(model.score_tokens, token_rows, token_dict, on_line=counted)


def escape_cell(token: str) -> str:
    """Return a token as the cell of a table: tabs and line ends as Python writes them."""
    return token.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")
