"""Progress of a training on stderr: a bar on a terminal, and a line for each record."""

import sys

from seqkit.cli.common import echo, is_terminal
from seqkit.training import Record
from seqkit.training.reporting import ProgressBar as Bar
from seqkit.training.reporting import epoch_line, log_line


class ProgressBar(Bar):
    """Shows the progress of a training.

    Args:
        quiet: Show nothing.
        unit: Unit of the speed: tokens, texts, images.
    """

    def __init__(self, quiet: bool = False, unit: str = "tokens") -> None:
        super().__init__(not quiet)
        self.unit = unit

    def _print(self, text: str) -> None:
        if self.bar.enabled:
            with self.bar.away():
                echo(text, err=True)

    def on_train_start(self, total: int | None, done: int, unit: str = "step") -> None:
        """Open the bar on a terminal, or change its total."""
        if is_terminal(sys.stderr):
            super().on_train_start(total, done, unit)

    def on_log(self, record: Record) -> None:
        """Print a line for each log interval."""
        self._print(log_line(record, self.unit))

    def on_epoch_end(self, record: Record) -> None:
        """Print a line for each epoch."""
        self._print(epoch_line(record))

    def on_message(self, text: str) -> None:
        """Print a message."""
        self._print(text)
