"""The lines of a training's log on standard error."""

from seqkit.cli.common import echo
from seqkit.progress import LineReporter, current_reporter
from seqkit.training import Callback, Record
from seqkit.training.reporting import epoch_line, log_line


class LogLines(Callback):
    """Prints a line for each record and message of a training.

    Args:
        quiet: Print nothing.
        unit: Unit of the speed: tokens, texts, images.
    """

    def __init__(self, quiet: bool = False, unit: str = "tokens") -> None:
        self.quiet, self.unit = quiet, unit

    def _print(self, text: str) -> None:
        if self.quiet:
            return
        try:
            echo(text, err=True)
        except (OSError, ValueError):  # the stream is closed or full, or a terminal that is gone
            self.quiet = True
        reporter = current_reporter()
        if isinstance(reporter, LineReporter):
            reporter.wrote()

    def on_log(self, record: Record) -> None:
        """Print a line for each log interval."""
        self._print(log_line(record, self.unit))

    def on_epoch_end(self, record: Record) -> None:
        """Print a line for each epoch."""
        self._print(epoch_line(record))

    def on_message(self, text: str) -> None:
        """Print a message."""
        self._print(text)


class TrialLines(LogLines):
    """Prints the messages of a search, a line for each epoch of a trial, and each warning once."""

    def __init__(self, quiet: bool = False) -> None:
        super().__init__(quiet)
        self._warnings: set[str] = set()

    def on_log(self, record: Record) -> None:
        """Print nothing."""

    def on_message(self, text: str) -> None:
        """Print what is about trials, and warnings that were not printed yet."""
        about_trials = text.startswith(("trial ", "waiting for other workers"))
        if about_trials or (text.startswith("warning:") and text not in self._warnings):
            self._warnings.add(text)
            self._print(text)

    def on_epoch_end(self, record: Record) -> None:
        """Print an indented line for each epoch."""
        self._print(f"  {epoch_line(record)}")
