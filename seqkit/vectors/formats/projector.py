"""Files for the TensorBoard projector (https://projector.tensorflow.org): one of vectors, one of labels."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from seqkit.vectors.formats.source import published
from seqkit.vectors.words import encode_words

if TYPE_CHECKING:
    from seqkit.vectors.table import VectorTable


def metadata_path(path: str | os.PathLike[str]) -> Path:
    """Return the path of the labels: those of vectors.tsv are in vectors.metadata.tsv."""
    target = Path(path)
    packed = target.suffix if target.suffix in (".gz", ".bz2") else ""
    stem = target.name.removesuffix(packed).removesuffix(".tsv")
    return target.with_name(f"{stem}.metadata.tsv{packed}")


def write_projector(table: VectorTable, path: str | os.PathLike[str]) -> None:
    """Write ``path`` (a row of numbers a key, by tabs) and :func:`metadata_path` (labels).

    The labels are one column without a heading, or word and count with one, as the projector wants it.
    Tabs and line ends within keys become blanks.
    """
    labels = encode_words(" ".join(str(key).split()) or "(blank)" for key in table.index_to_key)
    counts = table.expandos.get("count")
    form = "\t".join(["%.9g"] * table.vector_size) + "\n"
    with published(path) as file:
        for row in table.vectors:
            file.write((form % tuple(row.tolist())).encode())
    with published(metadata_path(path)) as file:
        if counts is None:
            file.writelines(b"%b\n" % label for label in labels)
        else:
            file.write(b"word\tcount\n")
            file.writelines(
                b"%b\t%b\n" % (label, str(n).encode()) for label, n in zip(labels, counts, strict=True)
            )
