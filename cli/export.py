"""seqkit export."""

import click

from seqkit.cli.common import echo, json_option, print_json
from seqkit.cli.parameter_types import RUN
from seqkit.cli.progress import quiet_option


@click.command("export")
@click.argument("run", type=RUN)
@click.option(
    "--to",
    "target",
    type=click.Choice(["hf", "safetensors", "word2vec", "arpa"]),
    required=True,
    help="Format: a folder of Hugging Face, plain safetensors, a word2vec or an ARPA file.",
)
@click.option(
    "--out",
    type=click.Path(),
    default=None,
    help="Folder or file.  [default: RUN-hf, RUN-safetensors, RUN.word2vec.txt or RUN.arpa]",
)
@quiet_option
@json_option
def command(run: str, target: str, out: str | None, as_json: bool) -> None:
    r"""Write the trained model in RUN in the format of other libraries.

    \b
    hf           causal Transformers (GPT-2) and masked language models (BERT)
                 with subword tokens, with their tokenizer
    safetensors  the best weights of any run, its settings and vocabularies
    word2vec     the vectors of train-embeddings; binary if --out ends in .bin
    arpa         the n-grams of a Kneser-Ney model; compressed if --out ends in .gz
    """
    from seqkit.tasks.export import export

    written = export(run, target, out)
    if as_json:
        print_json({"run": run, "format": target, "out": str(written)})
    else:
        echo(f"{written}: written in the format {target}")
