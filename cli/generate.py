"""seqkit generate."""

from __future__ import annotations

import click

from seqkit.cli.common import device_option, json_option, print_json, threads_option


@click.command("generate")
@click.argument("run", type=click.Path())
@click.option("--prompt", default="", help="Text to go on from.")
@click.option("--max-new-tokens", type=click.IntRange(1), default=100, show_default=True)
@click.option(
    "--temperature",
    type=click.FloatRange(0),
    default=1.0,
    show_default=True,
    help="0: always the most probable token.",
)
@click.option("--top-k", type=click.IntRange(1), default=None, help="Draw from the k most probable tokens.")
@click.option(
    "--top-p",
    type=click.FloatRange(0, 1, min_open=True),
    default=None,
    help="Draw from the fewest tokens of this probability.",
)
@click.option("--num-samples", type=click.IntRange(1), default=1, show_default=True)
@click.option(
    "--stop",
    multiple=True,
    metavar="TOKEN",
    help="End a text at this token; may be repeated.  [default: the end of a line, for words; the end of a "
    "text, for a checkpoint folder]",
)
@click.option("--no-stop", is_flag=True, help="Go on to --max-new-tokens.")
@click.option("--allow-unknown", is_flag=True, help="Let <unk> be produced.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@device_option
@threads_option
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
    seed: int,
    device: str | None,
    as_json: bool,
) -> None:
    """Write text with the language model in RUN; the same seed writes the same text.

    RUN is a run of train-lm, or a Hugging Face folder of a GPT-2.
    """
    from seqkit.tasks import causal_checkpoints, language_modeling
    from seqkit.tasks.checkpoint_folders import is_checkpoint_folder

    model: causal_checkpoints.CausalCheckpoint | language_modeling.TrainedLanguageModel
    if is_checkpoint_folder(run):
        model = causal_checkpoints.load(run, device=device)
    else:
        model = language_modeling.load(run, device=device)
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
    )
    if as_json:
        print_json([vars(sample) for sample in samples])
        return
    for sample in samples:
        click.echo(sample.text)
