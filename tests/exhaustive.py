"""How much of the long tests runs: a part of their cases in `make test`, all of them in `make test-all`."""

import os
from collections.abc import Sequence
from typing import TypeVar

import pytest

EXHAUSTIVE = bool(os.environ.get("EXHAUSTIVE"))
T = TypeVar("T")

exhaustive = pytest.mark.skipif(not EXHAUSTIVE, reason="takes long: make test-all runs it")


def some(cases: Sequence[T], every: int, first: int = 0) -> list[T]:
    """Return every ``every``-th case from number ``first`` on, or all of them with EXHAUSTIVE set."""
    return list(cases if EXHAUSTIVE else cases[first % every :: every])
