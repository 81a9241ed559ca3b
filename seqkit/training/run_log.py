"""log.jsonl: one JSON object per line, appended while training."""

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from seqkit.errors import DamagedFileError, RunError
from seqkit.files import Between, DocumentLimits, fill_json, parse_json
from seqkit.platforms import flush_file
from seqkit.training.callbacks import Callback, Record

_LIMITS = DocumentLimits(finite=False)
"""Of a line: a perplexity may be infinite."""


@dataclass(frozen=True)
class LogState:
    """How long the log was at a checkpoint: its bytes and their sha256."""

    length: Annotated[int, Between(0)] = 0
    sha256: str = hashlib.sha256().hexdigest()


class RunLog(Callback):
    """Append-only log; a checkpoint records its length and checksum."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._hash = hashlib.sha256()
        self._length = 0

    def on_log(self, record: Record) -> None:
        """Append the record of a log interval."""
        self.append(record)

    def on_epoch_end(self, record: Record) -> None:
        """Append the record of an epoch."""
        self.append(record)

    def append(self, record: Record) -> None:
        """Append a record as one line. Raise RunError if it cannot be written."""
        line = (json.dumps(record) + "\n").encode()
        try:
            with open(self.path, "ab") as file:
                file.write(line)
        except OSError as error:
            raise self._write_error(error) from error
        self._hash.update(line)
        self._length += len(line)

    def records(self) -> list[Record]:
        """Return all records.

        Raises:
            RunError: The log cannot be read.
            DamagedFileError: A line is no record.
        """
        try:
            lines = self.path.read_bytes().splitlines()
        except OSError as error:
            raise RunError(f"cannot read {self.path} ({error.strerror or error})") from error
        records = []
        for number, line in enumerate(lines, 1):

            def fail(message: str, number: int = number) -> DamagedFileError:
                return DamagedFileError(f"expected a record ({message})", where=f"{self.path}, line {number}")

            content = parse_json(line, fail, limits=_LIMITS)
            records.append(fill_json(dict[str, bool | int | float | str | None], content, fail))
        return records

    def state(self) -> LogState:
        """Flush the log and return its length in bytes and its sha256. Raise RunError if that fails."""
        if self._length:
            try:
                with open(self.path, "r+b") as file:
                    flush_file(file)
            except OSError as error:
                raise self._write_error(error) from error
        return LogState(self._length, self._hash.hexdigest())

    def _write_error(self, error: OSError) -> RunError:
        return RunError(
            f"cannot write {self.path} ({error.strerror or error})", remedy="free some space, then resume"
        )

    def verify(self, state: LogState) -> bytes:
        """Return the first ``state.length`` bytes. Raise DamagedFileError if they are not as written."""
        data = b""
        if state.length:
            try:
                with open(self.path, "rb") as file:
                    data = file.read(state.length)
            except OSError as error:
                raise RunError(f"cannot read {self.path} ({error.strerror or error})") from error
        if len(data) < state.length or hashlib.sha256(data).hexdigest() != state.sha256:
            raise DamagedFileError(
                f"{self.path} is damaged: its first {state.length} bytes are not as written",
                remedy="restore it from a copy; the best weights, in model.safetensors, can still be used",
            )
        return data

    def cut_to(self, state: LogState) -> None:
        """Verify the file up to the length in ``state`` and truncate it there."""
        data = self.verify(state)
        if self.path.exists():
            os.truncate(self.path, state.length)
        self._hash, self._length = hashlib.sha256(data), state.length
