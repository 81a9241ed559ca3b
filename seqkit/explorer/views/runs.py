"""Runs: curves of the logs, live while one trains, and settings and scores side by side."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from seqkit.explorer.answers import Explorer, Values, endpoint
from seqkit.explorer.opening import Item
from seqkit.explorer.views.view import View
from seqkit.training.run_directory import MODEL

if TYPE_CHECKING:
    from starlette.routing import Route

KINDS = frozenset(
    {
        "embeddings",
        "image_classification",
        "language_modeling",
        "masked_language_modeling",
        "seq2seq",
        "sequence_labeling",
        "text_classification",
    }
)
MAX_READ = 1 << 20
"""Bytes of a log that one answer reads; the page asks again for the rest."""


def describe(explorer: Explorer, values: Values) -> list[dict[str, Any]]:
    """Return settings, corpus and age of all runs."""
    return [_described(item) for item in VIEW.applies(explorer.items.values())]


def _described(item: Item) -> dict[str, Any]:
    assert item.run is not None
    config = item.run.config
    corpus = config.get("corpus", {})
    return {
        "name": item.name,
        "task": item.kind,
        "version": config.get("seqkit"),
        "threads": config.get("threads"),
        "corpus": corpus.get("description") or corpus.get("corpus"),
        "settings": config.get("settings", {}),
        "size": _size(item),
    }


def _size(item: Item) -> int | None:
    """Bytes of the best weights; None as long as there are none."""
    try:
        return (item.path / MODEL).stat().st_size
    except OSError:
        return None


def log(explorer: Explorer, values: Values) -> dict[str, Any]:
    """Return the records of a log from a byte offset on.

    The last line may be half written: it is left for the next read. A log that is shorter than the offset was
    cut when its training resumed: it is read again from the start, and ``restarted`` says so.
    """
    item = values.item(VIEW.applies(explorer.items.values()))
    offset = values.integer("offset", 0, least=0, most=1 << 53)
    assert item.run is not None
    try:
        with open(item.run.log.path, "rb") as file:
            size = file.seek(0, 2)
            restarted = offset > size
            offset = 0 if restarted else offset
            file.seek(offset)
            data = file.read(MAX_READ)
            age = time.time() - item.run.log.path.stat().st_mtime
    except FileNotFoundError:
        return {"records": [], "offset": 0, "more": False, "restarted": offset > 0, "age": None}
    end = data.rfind(b"\n") + 1
    if end == 0 and len(data) == MAX_READ:
        end = MAX_READ  # no line of a log is that long: skip what is none
    records = [record for line in data[:end].splitlines() if (record := _record(line)) is not None]
    return {
        "records": records,
        "offset": offset + end,
        "more": offset + len(data) < size,
        "restarted": restarted,
        "age": max(0.0, round(age, 1)),
    }


def _record(line: bytes) -> dict[str, Any] | None:
    """Return the numbers and texts of a line; None for a line that is no record."""
    try:
        content = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(content, dict):
        return None
    return {name: value for name, value in content.items() if isinstance(value, bool | int | float | str)}


def _routes() -> list[Route]:
    return [endpoint("/runs/list", describe), endpoint("/runs/log", log)]


VIEW = View("runs", "Runs", _routes, KINDS)
