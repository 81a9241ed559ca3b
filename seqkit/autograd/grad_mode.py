"""Whether ops record themselves for a backward pass."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_enabled: ContextVar[bool] = ContextVar("seqkit_grad_enabled", default=True)


def is_grad_enabled() -> bool:
    """True unless inside :func:`no_grad` (per thread and per task)."""
    return _enabled.get()


@contextmanager
def no_grad() -> Iterator[None]:
    """Within it ops keep nothing for a backward: for evaluation and generation."""
    token = _enabled.set(False)
    try:
        yield
    finally:
        _enabled.reset(token)
