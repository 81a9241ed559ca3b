"""The log of a training for TensorBoard."""

from pathlib import Path
from typing import Any

from seqkit.errors import MissingDependencyError
from seqkit.training.callbacks import Callback, Record

FOLDER = "tensorboard"
_NO_SCALARS = {"step", "steps", "epoch", "epochs", "seconds", "seconds_left", "best", "complete"}


class TensorBoard(Callback):
    """Writes the log of a run as event files of TensorBoard, into the folder ``tensorboard`` of the run.

    In a resumed run, TensorBoard is told to hide the steps that are trained once more.

    Args:
        run: The run directory.

    Raises:
        MissingDependencyError: The package tensorboardX is not installed.
    """

    def __init__(self, run: str | Path) -> None:
        try:
            from tensorboardX import SummaryWriter
        except ImportError as error:
            raise MissingDependencyError(
                "event files of TensorBoard need tensorboardX, which is not installed",
                remedy="pip install 'seqkit[tensorboard]'",
            ) from error
        self.folder = Path(run) / FOLDER
        self._make_writer = SummaryWriter
        self._writer: Any = None

    def _write(self, record: Record, group: str) -> None:
        if self._writer is None:  # not before: the run directory begins with the training
            earlier = self.folder.is_dir() and any(self.folder.iterdir())
            step = record["step"]
            self._writer = self._make_writer(
                str(self.folder),
                purge_step=step if earlier else None,
                filename_suffix=f".{step:010}",  # a name has the time in seconds, and must differ
            )
        for name, value in record.items():
            if name not in _NO_SCALARS and isinstance(value, int | float):
                split, _, score = name.partition("_")
                tag = f"{split}/{score}" if split in ("train", "valid", "test") else f"{group}/{name}"
                self._writer.add_scalar(tag, value, record["step"])

    def on_log(self, record: Record) -> None:
        """Write the record of a log interval."""
        self._write(record, "interval")

    def on_epoch_end(self, record: Record) -> None:
        """Write the record of an epoch."""
        self._write(record, "epoch")

    def on_train_end(self) -> None:
        """Close the event file."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None
