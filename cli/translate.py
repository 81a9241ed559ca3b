"""seqkit translate."""

from __future__ import annotations

import click

from seqkit.cli.common import device_option, json_option, lines_of, print_json, threads_option


@click.command("translate")
@click.argument("run", type=click.Path())
@click.argument("texts", nargs=-1, metavar="[TEXT...]")
@click.option("--beam", type=click.IntRange(1), default=1, show_default=True, help="1 is greedy search.")
@click.option("--n-best", type=click.IntRange(1), default=1, show_default=True, help="Answers to each text.")
@click.option(
    "--length-penalty", type=float, default=0.6, show_default=True, help="Exponent of a beam's length norm."
)
@click.option("--max-new-tokens", type=click.IntRange(1), default=None, help="Longest answer.")
@device_option
@threads_option
@json_option
def command(
    run: str,
    texts: tuple[str, ...],
    beam: int,
    n_best: int,
    length_penalty: float,
    max_new_tokens: int | None,
    device: str | None,
    as_json: bool,
) -> None:
    """Translate TEXTs, or standard input line by line, with a run of train-seq2seq."""
    from seqkit.tasks.seq2seq import load

    model = load(run, device=device)
    asked = list(texts) if texts else list(lines_of(None))
    found = model.translate(
        asked,
        beam=max(beam, n_best),
        n_best=n_best,
        length_penalty=length_penalty,
        max_new_tokens=max_new_tokens,
    )
    if as_json:
        print_json(
            [
                {
                    "source": text,
                    "translations": [
                        {"text": t.text, "log_prob": t.log_prob, "score": t.score, "complete": t.complete}
                        for t in best
                    ],
                }
                for text, best in zip(asked, found, strict=True)
            ]
        )
        return
    for best in found:
        for translation in best:
            prefix = f"{translation.score:.4f}\t" if n_best > 1 else ""
            click.echo(f"{prefix}{translation.text}")
