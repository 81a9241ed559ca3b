"""seqkit translate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from seqkit.cli.common import (
    device_option,
    json_option,
    refuse_unused,
    refuse_unused_search,
    search_options,
    threads_option,
)
from seqkit.cli.parameter_types import RUN
from seqkit.cli.progress import quiet_option

if TYPE_CHECKING:
    from seqkit.tasks.seq2seq import Translation


@click.command("translate")
@click.argument("run", type=RUN)
@click.argument("texts", nargs=-1, metavar="[TEXT...]")
@search_options
@click.option(
    "--n-best",
    type=click.IntRange(1, 1000),
    default=1,
    show_default=True,
    help="Translations per text; the beam is at least as wide.",
)
@click.option(
    "--max-new-tokens",
    type=click.IntRange(1, 1 << 20),
    default=None,
    help="Maximum length in tokens.  [default: that of the run]",
)
@device_option
@threads_option
@quiet_option
@json_option
def command(
    run: str,
    texts: tuple[str, ...],
    beam: int,
    n_best: int,
    temperature: float | None,
    max_new_tokens: int | None,
    device: str | None,
    as_json: bool,
    **options: Any,
) -> int:
    """Translate TEXTs, or each line of standard input, with the encoder-decoder in RUN.

    RUN is a run of train-seq2seq. An empty line is translated to an empty line.
    """
    from seqkit.cli.lines import UnknownTokens, answer_lines, argument_lines, count_lines, input_lines
    from seqkit.tasks.seq2seq import load

    refuse_unused_search(max(beam, n_best), temperature)
    if beam < n_best:
        refuse_unused("beam", f"beams at least as wide as --n-best {n_best}")
    lines = argument_lines(texts) if texts else input_lines(None)
    model = load(run, device=device)

    unknown = UnknownTokens(model.source_tokenizer, model.source_vocabulary)

    def translate(sources: list[str]) -> list[list[Translation]]:
        unknown.count(sources)
        return model.translate(
            sources,
            beam=max(beam, n_best),
            n_best=n_best,
            temperature=temperature,
            max_new_tokens=max_new_tokens,
            **options,
        )

    def to_text(source: str, translations: list[Translation]) -> str:
        if n_best == 1:
            return translations[0].text
        return "\n".join(f"{each.score:.4f}\t{each.text}" for each in translations)

    code = answer_lines(
        lines,
        translate,
        to_text,
        _to_dict,
        key="source",
        as_json=as_json,
        empty_text="\n" * (n_best - 1),
        total=len(texts) or count_lines(None),
    )
    unknown.report()
    return code


def _to_dict(source: str, translations: list[Translation]) -> dict[str, Any]:
    keys = ("text", "log_prob", "score", "complete")
    return {
        "source": source,
        "translations": [{key: getattr(each, key) for key in keys} for each in translations],
    }
