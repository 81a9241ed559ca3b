"""Parquet, Arrow and Feather tables, read batch by batch through pyarrow, imported on use."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import Any

from seqkit.corpora.readers.rows import SAMPLE_ROWS, Cells, Column, Table, record_cells, record_sample
from seqkit.errors import DataError, MissingDependencyError

_ROWS = 256
"""Rows in memory at a time; those of a file in the Arrow format are as many as its writer chose."""
_MAGIC = {b"PAR1": "Parquet", b"ARRO": "Arrow", b"\xff\xff\xff\xff": "Arrow stream", b"FEA1": "Feather 1"}


def has_arrow_magic(head: bytes) -> bool:
    """Return whether a file with this beginning is a table of Parquet or Arrow."""
    return head[:4] in (b"PAR1", b"FEA1") or head[:6] == b"ARROW1"


class ArrowTable(Table):
    """A table of Parquet, Arrow (the file or the stream of Hugging Face's data sets) or Feather.

    Raises:
        DataError: For a file that pyarrow cannot read.
        MissingDependencyError: Without pyarrow.
    """

    form = "a Parquet or Arrow table"
    unit = "row"

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        rows = list(islice(self._records(()), SAMPLE_ROWS))
        _, self.sample = record_sample(rows)
        self.names = record_sample(rows)[0] if rows else ()
        if not rows:
            raise DataError("a table without rows", where=str(path), remedy="give a table with rows in it")

    def cells(self, columns: Mapping[str, Column]) -> Iterator[Cells]:
        """Iterate over the cells of some columns, which are given by their role."""
        outer = tuple(dict.fromkeys(str(name).split(".")[0] for name in columns.values()))
        for number, record in enumerate(self._records((*outer, *map(str, columns.values()))), start=1):
            yield number, record_cells(record, columns, self.place(number))

    def _records(self, names: tuple[str, ...]) -> Iterator[Mapping[str, Any]]:
        """Iterate over the rows, of the columns among ``names`` only if there are any."""
        try:
            with ExitStack() as stack:
                for batch in self._batches(stack, names):
                    batch.validate(full=True)  # reading a damaged one would end the process
                    for start in range(0, batch.num_rows, _ROWS):
                        yield from batch.slice(start, _ROWS).to_pylist()
        except (DataError, MissingDependencyError):
            raise
        except (Exception, MemoryError) as error:  # pyarrow raises whatever the damaged bytes lead to
            reason = (str(error) or type(error).__name__).splitlines()[0][:200]
            raise DataError(
                f"cannot be read as a table of Parquet or Arrow ({reason})",
                where=str(self.path),
                remedy="check the file, or write it again",
            ) from error

    def _batches(self, stack: ExitStack, names: tuple[str, ...]) -> Iterator[Any]:
        try:
            arrow = importlib.import_module("pyarrow")
            parquet = importlib.import_module("pyarrow.parquet")
        except ImportError as error:
            raise MissingDependencyError(
                "tables of Parquet and Arrow need pyarrow, which is not installed",
                remedy="pip install 'seqkit[arrow]'",
            ) from error
        with self.path.open("rb") as file:
            found = _MAGIC.get(file.read(4))
        if found in (None, "Feather 1"):
            what = f"expected a table of Parquet or Arrow, got {found or 'other or compressed content'}"
            raise DataError(what, where=str(self.path), remedy="write it as Parquet, uncompressed as a file")
        raw = stack.enter_context(arrow.OSFile(str(self.path), "rb"))
        if found == "Parquet":
            table = stack.enter_context(parquet.ParquetFile(raw))
            chosen = [name for name in table.schema_arrow.names if name in names] or None
            yield from table.iter_batches(batch_size=_ROWS, columns=chosen)
            return
        reader = arrow.ipc.open_stream(raw) if found == "Arrow stream" else arrow.ipc.open_file(raw)
        with reader:
            chosen = [name for name in reader.schema.names if name in names] or reader.schema.names
            batches = reader.num_record_batches if found == "Arrow" else None
            many = reader if batches is None else map(reader.get_batch, range(batches))
            for batch in many:
                yield batch.select(chosen)
