"""seqkit embed."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import IO, Any

import click

from seqkit.cli.common import device_option, json_option, lines_of, print_json, quiet_option, threads_option


@click.command("embed")
@click.argument("directory", metavar="DIR", type=click.Path())
@click.argument("file", required=False, type=click.Path(allow_dash=True))
@click.option("--out", type=click.Path(), default=None, help="Write to a .npy, .safetensors or .jsonl file.")
@click.option(
    "--similar", type=click.Path(), default=None, help="Find the lines of this file that are nearest."
)
@click.option(
    "-n", "--topn", type=click.IntRange(1), default=5, show_default=True, help="How many, with --similar."
)
@click.option("--batch-size", type=click.IntRange(1), default=32, show_default=True)
@click.option("--normalize/--no-normalize", default=None, help="Vectors of length 1.  [default: as DIR says]")
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
    normalize: bool | None,
    device: str | None,
    quiet: bool,
    as_json: bool,
) -> None:
    """Write the vector of each line of FILE, or of standard input, by the encoder in DIR.

    DIR is a Hugging Face folder of a BERT, DistilBERT, RoBERTa or a sentence encoder such as MiniLM. Without
    --out, one JSON object a line goes to standard output. With --similar, prints for each line its nearest
    lines of another file: similarity, line number and line, separated by tabs.
    """
    from seqkit.errors import UsageError
    from seqkit.tasks.sentence_encoding import load

    if similar is not None and (out is not None or normalize is not None):
        raise UsageError(
            "--similar prints lines and compares by angle", remedy="leave out --out and --normalize"
        )
    write = None if out is None else _writer(out)
    encoder = load(directory, device=device)
    texts = list(lines_of(file))
    if similar is not None:
        _print_nearest(encoder, texts, list(lines_of(similar)), topn, batch_size, quiet, as_json)
        return
    with _progress(len(texts), quiet) as progress:
        vectors = encoder.encode(texts, batch_size=batch_size, normalize=normalize, progress=progress)
    if write is not None:
        write(texts, vectors)
        if as_json:
            print_json({"out": out, "lines": len(texts), "dimensions": encoder.dimensions})
    elif as_json:
        print_json([{"text": text, "vector": v.tolist()} for text, v in zip(texts, vectors, strict=True)])
    else:
        for line in _json_lines(texts, vectors):
            click.echo(line)


def _print_nearest(
    encoder: Any, texts: list[str], among: list[str], topn: int, batch_size: int, quiet: bool, as_json: bool
) -> None:
    with _progress(len(texts) + len(among), quiet) as progress:
        found = encoder.nearest(texts, among, topn, batch_size=batch_size, progress=progress)
    if as_json:
        print_json(
            [
                {
                    "text": text,
                    "nearest": [
                        {"line": one.index + 1, "similarity": one.similarity, "text": one.text}
                        for one in near
                    ],
                }
                for text, near in zip(texts, found, strict=True)
            ]
        )
        return
    for place, (text, near) in enumerate(zip(texts, found, strict=True)):
        click.echo(f"{'' if place == 0 else chr(10)}{text}")
        for one in near:
            click.echo(f"{one.similarity:.4f}\t{one.index + 1}\t{one.text}")


@contextlib.contextmanager
def _progress(total: int, quiet: bool) -> Iterator[Callable[[int], None] | None]:
    """What moves a bar on a terminal; None elsewhere."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    from tqdm import tqdm

    with tqdm(total=total, unit="line", dynamic_ncols=True, leave=False) as bar:
        yield bar.update


def _json_lines(texts: Sequence[str], vectors: Any) -> Iterator[str]:
    for text, vector in zip(texts, vectors, strict=True):
        yield json.dumps({"text": text, "vector": vector.tolist()}, ensure_ascii=False)


def _writer(out: str) -> Callable[[list[str], Any], None]:
    """What writes texts and vectors as the suffix of ``out`` says. UsageError for another suffix."""
    from seqkit.errors import DataError, UsageError
    from seqkit.files import atomic_writer, encode_safetensors

    def npy(file: IO[bytes], texts: list[str], vectors: Any) -> None:
        import numpy as np

        np.save(file, vectors, allow_pickle=False)

    def safetensors(file: IO[bytes], texts: list[str], vectors: Any) -> None:
        header, contents = encode_safetensors({"vectors": vectors}, {})
        file.writelines([header, *contents])

    def jsonl(file: IO[bytes], texts: list[str], vectors: Any) -> None:
        file.writelines(f"{line}\n".encode() for line in _json_lines(texts, vectors))

    writers = {".npy": npy, ".safetensors": safetensors, ".jsonl": jsonl}
    write = next((write for suffix, write in writers.items() if out.endswith(suffix)), None)
    if write is None:
        raise UsageError(f"cannot tell the format of {out!r}", remedy=f"end it in {', '.join(writers)}")

    def write_file(texts: list[str], vectors: Any) -> None:
        remedy = "free some space or choose another path"
        with atomic_writer(out, error=DataError, remedy=remedy, shared=True) as file:
            write(file, texts, vectors)

    return write_file
