"""The addresses of the view Runs: logs are followed while they grow."""

import json
from pathlib import Path
from typing import Any

import pytest

from seqkit.explorer.answers import Explorer, Values
from seqkit.explorer.background import Jobs
from seqkit.explorer.opening import open_items
from seqkit.explorer.views import runs as view


def test_list(client: Any) -> None:
    listed = {run["name"]: run for run in client.get("/runs/list").json()}
    assert list(listed) == ["gru", "kneser-ney"]
    assert listed["gru"]["settings"]["hidden_size"] == 8
    assert listed["gru"]["size"] > 0


@pytest.fixture
def follow(tmp_path: Path, runs: Path) -> Any:
    """A copy of a run, and a function that reads its log from an offset."""
    copy = tmp_path / "copy"
    copy.mkdir()
    for name in ("config.json", "vocab.txt"):
        (copy / name).write_bytes((runs / "gru" / name).read_bytes())
    explorer = Explorer(open_items([copy]), Jobs())

    def read(offset: int) -> Any:
        return view.log(explorer, Values({"item": "copy", "offset": str(offset)}, explorer))

    return copy / "log.jsonl", read


def test_a_half_line_is_left_for_the_next_read(follow: Any) -> None:
    path, read = follow
    assert read(0)["records"] == []
    path.write_text('{"step": 1}\n{"step": 2, "lo')
    first = read(0)
    assert (first["records"], first["offset"], first["restarted"]) == ([{"step": 1}], 12, False)
    path.write_text('{"step": 1}\n{"step": 2, "loss": 3.5}\n')
    assert read(12)["records"] == [{"step": 2, "loss": 3.5}]


def test_a_log_that_was_cut_is_read_again(follow: Any) -> None:
    path, read = follow
    path.write_text('{"step": 1}\n')
    again = read(50)
    assert (again["records"], again["restarted"]) == ([{"step": 1}], True)


def test_lines_that_are_no_records_are_skipped(follow: Any) -> None:
    path, read = follow
    path.write_bytes(b'\xff\n[1]\n{"a": [1], "b": "x"}\n{"ppl": Infinity}\n')
    assert json.dumps(read(0)["records"]) == '[{"b": "x"}, {"ppl": Infinity}]'


def test_a_long_log_comes_in_pieces(follow: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    path, read = follow
    monkeypatch.setattr(view, "MAX_READ", 30)
    path.write_text('{"step": 1}\n' * 5)
    offset, steps = 0, 0
    for _ in range(9):
        news = read(offset)
        steps, offset = steps + len(news["records"]), news["offset"]
        if not news["more"]:
            break
    assert (steps, offset) == (5, 60)
