"""A progress bar on standard error, or in a notebook: of trainings, in Python and in commands."""

from __future__ import annotations

import contextlib
import math
import sys
from collections.abc import Iterator
from typing import Any


class Bar:
    """A bar of tqdm that opens when it is started, and never raises: without a stream it shows nothing.

    Args:
        enabled: Whether to show anything.
    """

    def __init__(self, enabled: bool = True) -> None:
        self.enabled = enabled
        self._bar: Any = None

    @contextlib.contextmanager
    def quiet_when_closed(self) -> Iterator[None]:
        """Go on without output when stderr is closed, full, or a terminal that is gone."""
        try:
            yield
        except (OSError, ValueError):
            self.enabled, self._bar = False, None

    def start(self, total: int | None, done: int, unit: str) -> None:
        """Open the bar after ``done`` of ``total`` units (None: unknown), or change its total."""
        if not self.enabled or sys.stderr is None:
            return
        with self.quiet_when_closed():
            if self._bar is None:
                from tqdm.auto import tqdm

                self._bar = tqdm(
                    total=total,
                    initial=done,
                    unit=unit,
                    unit_scale=unit != "step",
                    dynamic_ncols=True,
                    leave=False,
                )
            elif self._bar.total != total:
                self._bar.total = total
                self._bar.refresh()

    def move(self, done: int, loss: float = math.nan) -> None:
        """Move the bar to ``done`` units, and show the loss."""
        if self._bar is not None:
            with self.quiet_when_closed():
                if math.isfinite(loss):
                    self._bar.set_postfix(loss=f"{loss:.3f}", refresh=False)
                self._bar.update(done - self._bar.n)

    @contextlib.contextmanager
    def away(self) -> Iterator[None]:
        """Clear the bar while the block prints lines."""
        with self.quiet_when_closed():
            if self._bar is not None:
                self._bar.clear()
            yield
            if self._bar is not None:
                self._bar.refresh()

    def close(self) -> None:
        """Close the bar."""
        if self._bar is not None:
            with self.quiet_when_closed():
                self._bar.close()
            self._bar = None
