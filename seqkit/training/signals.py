"""Signals during training: the first Ctrl-C or SIGTERM saves and stops, the second one ends the process."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType, TracebackType

from seqkit.platforms import STOP_SIGNALS, hangup_signal

_Handler = Callable[[int, FrameType | None], object] | int | None


class SignalWatch:
    """While active, the first SIGINT or SIGTERM only sets ``received``; a second one ends the process.

    The training loop reads ``received`` between steps. Outside the main thread signals are not handled.
    """

    def __init__(self) -> None:
        self.received: int | None = None
        self._before: dict[int, _Handler] = {}

    def _handle(self, signum: int, _: FrameType | None) -> None:
        if self.received is not None:
            os._exit(128 + signum)
        self.received = signum

    def __enter__(self) -> SignalWatch:
        self.received = None
        if threading.current_thread() is threading.main_thread():
            for signum in STOP_SIGNALS:
                self._before[signum] = signal.signal(signum, self._handle)
        return self

    def __exit__(
        self, error_type: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for signum, handler in self._before.items():
            signal.signal(signum, handler)
        self._before.clear()


@contextlib.contextmanager
def hangup_ignored() -> Iterator[None]:
    """Ignore SIGHUP, the loss of the terminal: the training goes on, and its log has everything."""
    signum = hangup_signal()
    if signum is None or threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signum, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signum, before)
