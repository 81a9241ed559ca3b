"""A small search of language models, and the messages of one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from seqkit.search import SearchResult, search
from seqkit.tasks.language_modeling import LanguageModelSettings
from seqkit.training import Callback
from tests.training.tiny import TINY, write_corpus

SPACE = {"lr": {"log": [1e-3, 1e-1]}, "dropout": {"uniform": [0, 0.5]}}

Searching = Callable[..., SearchResult]


class Messages(Callback):
    """Keeps the messages about trials."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def on_message(self, text: str) -> None:
        if text.startswith(("trial", "waiting")):
            self.lines.append(text)


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    return write_corpus(tmp_path / "corpus.txt")


@pytest.fixture
def searching(corpus: Path, tmp_path: Path) -> Searching:
    """Search for settings of a tiny language model, by default in the folder ``search``."""

    def call(
        space: dict[str, Any] = SPACE,
        out: str = "search",
        settings: dict[str, Any] | None = None,
        **options: Any,
    ) -> SearchResult:
        base = {**TINY, "corpus": str(corpus), "vocab_size": 10, **(settings or {})}
        return search(LanguageModelSettings(**base), space, tmp_path / out, **options)

    return call
