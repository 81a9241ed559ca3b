"""seqkit generate."""

import sys

import click

from seqkit.cli.common import (
    TEXT,
    device_option,
    echo,
    json_option,
    print_json,
    refuse_unused,
    threads_option,
)
from seqkit.cli.parameter_types import RUN
from seqkit.cli.progress import quiet_option


@click.command("generate")
@click.argument("run", type=RUN)
@click.option("--prompt", type=TEXT, default="", help="Text to continue.  [default: start a new text]")
@click.option(
    "--max-new-tokens",
    type=click.IntRange(1, 1 << 20),
    default=100,
    show_default=True,
    help="Maximum length in tokens.",
)
@click.option(
    "--temperature",
    type=click.FloatRange(0),
    default=1.0,
    show_default=True,
    help="Sampling temperature; 0 takes the most probable token.",
)
@click.option(
    "--top-k",
    type=click.IntRange(1),
    default=None,
    help="Sample from the k most probable tokens.  [default: all]",
)
@click.option(
    "--top-p",
    type=click.FloatRange(0, 1, min_open=True),
    default=None,
    help="Sample from the smallest set of tokens with this total probability.  [default: all]",
)
@click.option(
    "--num-samples", type=click.IntRange(1, 100_000), default=1, show_default=True, help="Number of texts."
)
@click.option(
    "--stop",
    type=TEXT,
    multiple=True,
    metavar="TOKEN",
    help="Token that ends a text; may be repeated.  [default: end of line for words, end of text for a "
    "checkpoint folder]",
)
@click.option("--no-stop", is_flag=True, help="Do not end a text before --max-new-tokens.")
@click.option("--allow-unknown", is_flag=True, help="Allow <unk> to be generated.")
@click.option(
    "--beam",
    type=click.IntRange(1, 1000),
    default=None,
    help="Search the most probable texts with a beam of this width.  [default: sample]",
)
@click.option(
    "--length-penalty",
    type=float,
    default=0.6,
    show_default=True,
    help="Exponent of the length normalisation in beam search.",
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Random seed.")
@device_option
@threads_option
@quiet_option
@json_option
def command(
    run: str,
    prompt: str,
    max_new_tokens: int,
    temperature: float,
    top_k: int | None,
    top_p: float | None,
    num_samples: int,
    stop: tuple[str, ...],
    no_stop: bool,
    allow_unknown: bool,
    beam: int | None,
    length_penalty: float,
    seed: int,
    device: str | None,
    as_json: bool,
) -> None:
    """Generate text with the language model in RUN; the same seed gives the same text.

    A single text is printed as it is generated.
    RUN is a run of train-lm, an ARPA file, or a Hugging Face folder of a GPT-2.
    """
    from seqkit.errors import UsageError
    from seqkit.tasks.causal_checkpoints import open_causal_model

    if beam is None:
        refuse_unused("length_penalty", "beam search, with --beam")
    else:
        refuse_unused("temperature top_k top_p seed", "sampling, without --beam")
        if num_samples > beam:
            raise UsageError(f"expected --num-samples to be at most --beam, {beam}, got {num_samples}")
    if temperature == 0:
        refuse_unused("top_k top_p seed", "sampling, with --temperature above 0")
    if no_stop:
        refuse_unused("stop", "generation without --no-stop")
    model = open_causal_model(run, device=device)
    shown = ""

    def show(text: str) -> None:
        nonlocal shown
        if text.startswith(shown) and not text.endswith("\ufffd"):  # else a part of a character
            echo(text[len(shown) :], nl=False)
            sys.stdout.flush()
            shown = text

    stream = num_samples == 1 and beam is None and not as_json
    samples = model.generate(
        prompt,
        max_new_tokens=max_new_tokens,
        temperature=temperature,
        top_k=top_k,
        top_p=top_p,
        num_samples=num_samples,
        stop=[] if no_stop else (list(stop) or None),
        allow_unknown=allow_unknown,
        seed=seed,
        beam=beam,
        length_penalty=length_penalty,
        on_text=show if stream else None,
    )
    if as_json:
        print_json([vars(sample) for sample in samples])
        return
    for sample in samples:
        echo(sample.text.removeprefix(shown) if stream else sample.text)
