"""The log of a run as a foreign file: records come back as written, and all else is refused by line."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from seqkit.errors import DamagedFileError, RunError
from seqkit.training.run_log import RunLog


def test_records_come_back_as_written(tmp_path: Path) -> None:
    log = RunLog(tmp_path / "log.jsonl")
    records = [{"step": 3, "loss": 1.5, "best": True}, {"step": 4, "ppl": math.inf, "answer": "é"}]
    for record in records:
        log.append(record)
    assert log.records() == records


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b"[1]", "an object, got a list"),
        (b'{"loss": [1]}', "loss to be true or false or an integer or .*, got a list"),
        (b"[" * 100_000, "levels"),
        (b'{"loss": 1', "no JSON"),
        (b"\xff", "no JSON"),
        (b'{"step": 1' + b"0" * 400 + b"}", "bits"),
    ],
)
def test_a_line_that_is_no_record_is_refused(line: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / "log.jsonl").write_bytes(b'{"step": 1}\n' + line + b"\n")
    with pytest.raises(DamagedFileError, match=rf"expected a record \(.*{message}.*log.jsonl, line 2"):
        RunLog(tmp_path / "log.jsonl").records()


def test_a_lost_log_is_told(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"cannot read .*log\.jsonl"):
        RunLog(tmp_path / "log.jsonl").records()
