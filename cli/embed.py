"""seqkit embed."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from seqkit.cli.common import (
    TEXT,
    device_option,
    echo,
    input_column_option,
    json_option,
    print_json,
    refuse_unused,
    threads_option,
    to_json,
)
from seqkit.cli.progress import quiet_option

if TYPE_CHECKING:
    import numpy as np

    from seqkit.tasks.sentence_encoding import Neighbour


@click.command("embed")
@click.argument("directory", metavar="DIR", type=click.Path())
@click.argument("file", required=False, type=click.Path(allow_dash=True))
@click.option(
    "--out",
    type=click.Path(),
    default=None,
    help="Output file: .npy, .safetensors or .jsonl.  [default: JSON to standard output]",
)
@click.option(
    "--similar", type=click.Path(), default=None, help="Text file in which to find the nearest lines."
)
@click.option(
    "-n",
    "--topn",
    type=click.IntRange(1),
    default=5,
    show_default=True,
    help="Number of nearest lines to print with --similar.",
)
@click.option("--batch-size", type=click.IntRange(1), default=32, show_default=True, help="Lines per batch.")
@click.option(
    "--prompt-name",
    type=TEXT,
    metavar="NAME",
    default=None,
    help="Name of the prompt in DIR to put before each line.  [default: as configured in DIR]",
)
@click.option(
    "--prompt",
    type=TEXT,
    metavar="TEXT",
    default=None,
    help="Text to put before each line, instead of a prompt of DIR; '' for none.",
)
@click.option(
    "--similar-prompt-name",
    type=TEXT,
    metavar="NAME",
    default=None,
    help="Name of the prompt for the lines of --similar.  [default: as configured in DIR]",
)
@click.option(
    "--normalize/--no-normalize",
    default=None,
    help="Scale vectors to length 1.  [default: as configured in DIR]",
)
@input_column_option
@device_option
@threads_option
@quiet_option
@json_option
def command(
    directory: str,
    file: str | None,
    out: str | None,
    similar: str | None,
    topn: int,
    batch_size: int,
    prompt_name: str | None,
    prompt: str | None,
    similar_prompt_name: str | None,
    normalize: bool | None,
    text_column: int | str | None,
    device: str | None,
    as_json: bool,
) -> int:
    """Embed each line of FILE, or of standard input, with the sentence encoder in DIR.

    DIR is a Hugging Face folder of a BERT, DistilBERT, RoBERTa or a sentence encoder such as MiniLM. Without
    --out, prints a JSON object for each line, and an empty line for an empty one. A file of --out has a
    vector for each line, for an empty one that of the empty text. With --similar, prints for each line its
    nearest lines of another file: similarity, line number and line, separated by tabs; for an empty line
    none.
    """
    from seqkit.cli.lines import all_texts, answer_lines, count_lines, input_lines
    from seqkit.errors import UsageError
    from seqkit.tasks.sentence_encoding import load

    if similar is not None and (out is not None or normalize is not None):
        raise UsageError("--similar excludes --out and --normalize", remedy="leave out --out and --normalize")
    if similar is None:
        refuse_unused("topn similar_prompt_name", "--similar")
    write = None if out is None else _writer(out)
    among = [] if similar is None else all_texts(input_lines(similar))
    lines = input_lines(file, text_column)
    encoder = load(directory, device=device)
    before = encoder.prompt_text(prompt_name, prompt)
    encoder.prompt_text(similar_prompt_name)

    def encode(texts: list[str]) -> np.ndarray:
        return encoder.encode(texts, prompt=before, batch_size=batch_size, normalize=normalize)

    if similar is not None:
        texts = all_texts(lines)
        nearest = encoder.nearest(
            [text for text in texts if text.strip()],
            among,
            topn,
            prompt=before,
            among_prompt_name=similar_prompt_name,
            batch_size=batch_size,
        )
        rest = iter(nearest)
        neighbours = [next(rest) if text.strip() else [] for text in texts]
        _print_nearest(texts, neighbours, as_json)
    elif write is not None:
        texts = all_texts(lines)
        write(texts, encode(texts))
        if as_json:
            print_json({"out": out, "lines": len(texts), "dimensions": encoder.dimensions})
    else:
        return answer_lines(
            lines, encode, _to_text, _to_dict, key="text", as_json=as_json, total=count_lines(file)
        )
    return 0


def _to_dict(text: str, vector: np.ndarray) -> dict[str, Any]:
    return {"text": text, "vector": vector.tolist()}


def _to_text(text: str, vector: np.ndarray) -> str:
    return to_json(_to_dict(text, vector), indent=None)


def _print_nearest(texts: list[str], neighbours: list[list[Neighbour]], as_json: bool) -> None:
    if as_json:
        items = [
            {"text": text, "nearest": [_neighbour(each) for each in nearest]}
            for text, nearest in zip(texts, neighbours, strict=True)
        ]
        print_json(items)
        return
    for number, (text, nearest) in enumerate(zip(texts, neighbours, strict=True)):
        echo(f"{chr(10) if number else ''}{text}")
        for each in nearest:
            echo(f"{each.similarity:.4f}\t{each.index + 1}\t{each.text}")


def _neighbour(neighbour: Neighbour) -> dict[str, Any]:
    return {"line": neighbour.index + 1, "similarity": neighbour.similarity, "text": neighbour.text}


def _writer(out: str) -> Callable[[list[str], Any], None]:
    """Return the function that writes texts and vectors in the format of the file's suffix.

    Raises:
        UsageError: The suffix is unknown.
        DataError: The folder does not exist or cannot be written.
    """
    from seqkit.errors import DataError, UsageError
    from seqkit.files import atomic_writer, encode_safetensors

    def npy(file: IO[bytes], texts: list[str], vectors: Any) -> None:
        import numpy as np

        np.save(file, vectors, allow_pickle=False)

    def safetensors(file: IO[bytes], texts: list[str], vectors: Any) -> None:
        header, contents = encode_safetensors({"vectors": vectors}, {})
        file.writelines([header, *contents])

    def jsonl(file: IO[bytes], texts: list[str], vectors: Any) -> None:
        file.writelines(f"{_to_text(*each)}\n".encode() for each in zip(texts, vectors, strict=True))

    writers = {".npy": npy, ".safetensors": safetensors, ".jsonl": jsonl}
    write = next((write for suffix, write in writers.items() if out.endswith(suffix)), None)
    if write is None:
        raise UsageError(f"cannot tell the format of {out!r}", remedy=f"end it in {', '.join(writers)}")
    if not Path(out).parent.is_dir() or not os.access(Path(out).parent, os.W_OK):
        raise DataError(f"cannot write {out!r}: no such folder, or no permission", remedy="name another file")

    def write_file(texts: list[str], vectors: Any) -> None:
        remedy = "free some space or choose another path"
        with atomic_writer(out, error=DataError, remedy=remedy, shared=True) as file:
            write(file, texts, vectors)

    return write_file
