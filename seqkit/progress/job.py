"""A job under way: what is done of it, how long it takes, and the words for both."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable


class Job:
    """Work under way.

    Attributes:
        description: What is being done, such as "training".
        total: The number of units, if it is known.
        unit: The name of the units; "B" for bytes.
        done: The units that are done.
        note: Further information, such as the loss.
        limit: Seconds after which the work ends at the latest.
    """

    def __init__(
        self,
        description: str,
        total: int | None = None,
        unit: str = "",
        *,
        done: int = 0,
        position: Callable[[], int] | None = None,
        limit: float | None = None,
    ) -> None:
        self.description, self.total, self.unit, self.done = description, total, unit, done
        self.position, self.limit, self.note = position, limit, ""
        self.started, self.first = math.inf, done

    def advance(self, count: int = 1) -> None:
        """Add units that are done."""
        self.done += count

    def move(self, done: int, note: str = "") -> None:
        """Set the units that are done, and the note."""
        self.done, self.note = done, note

    def update(self) -> None:
        """Read the position, where one was given."""
        if self.position is not None:
            with contextlib.suppress(ValueError, OSError):  # a file that was closed
                self.done = self.position()

    @property
    def fraction(self) -> float | None:
        """The fraction that is done, from 0 to 1; None if the total is not known."""
        return min(1.0, self.done / self.total) if self.total else None

    def seconds_left(self, now: float) -> float | None:
        """Return the estimated seconds to the end; None if nothing is known about it."""
        elapsed, left = now - self.started, None
        if self.total and self.done > self.first:
            left = max(0, self.total - self.done) * elapsed / (self.done - self.first)
        if self.limit is not None:
            left = max(0.0, min(self.limit - elapsed, math.inf if left is None else left))
        return left

    def state(self, now: float) -> str:
        """Return what is done, the time left and the note."""
        left = self.seconds_left(now)
        parts = []
        if self.total:
            parts.append(f"{amount(self.done, self.unit)} of {amount(self.total, self.unit, name=True)}")
        elif self.done:
            parts.append(amount(self.done, self.unit, name=True))
        parts.append(f"{duration(now - self.started)} so far" if left is None else f"{duration(left)} left")
        return ", ".join([*parts, *([self.note] if self.note else [])])


def amount(count: int, unit: str, *, name: bool = False) -> str:
    """Return a number with thousands separators, of bytes in kB, MB or GB; with ``name`` also the unit.

    Example:
        >>> amount(12_300_000, "B"), amount(1234, "texts", name=True)
        ('12.3 MB', '1,234 texts')
    """
    if unit != "B":
        return f"{count:,} {unit}".rstrip() if name else f"{count:,}"
    scale, prefix = next((s, p) for s, p in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")) if count >= s or s == 1e3)
    return f"{count / scale:.1f} {prefix}"


def duration(seconds: float) -> str:
    """Return a time in words.

    Example:
        >>> duration(7.4), duration(200), duration(7380)
        ('7 s', '3 min 20 s', '2 h 3 min')
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    minutes = whole // 60
    if minutes < 48 * 60:
        return f"{minutes // 60} h {minutes % 60} min"
    return f"{minutes // 1440} d {minutes // 60 % 24} h"
