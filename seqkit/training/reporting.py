"""Callbacks that report a training: a progress bar, and the lines of the log for :mod:`logging`."""

import logging

from seqkit.progress_bar import Bar
from seqkit.training.callbacks import Callback, Record

_log = logging.getLogger("seqkit")


def log_line(record: Record, unit: str = "tokens") -> str:
    """Return the record of a log interval as a line; ``unit`` is that of the speed: tokens, texts, images."""
    parts = [f"step {record['step']:>7}", f"epoch {record['epoch']}", f"loss {record['loss']:.4f}"]
    if "ppl" in record:
        parts.append(f"ppl {record['ppl']:.2f}")
    parts.append(f"lr {record['lr']:.3g}")
    if "grad_norm" in record:
        parts.append(f"grad norm {record['grad_norm']:.3g}")
    parts.append(f"{record['tokens_per_s']:,.0f} {unit}/s")
    if "seconds_left" in record:
        parts.append(f"{record['seconds_left']:,.0f} s left")
    return "  ".join(parts)


def epoch_line(record: Record) -> str:
    """Return the record of an epoch as a line."""
    scores = f"  mean loss {record['train_loss']:.4f}" if "train_loss" in record else ""
    if "valid_loss" in record:
        scores += f"  valid loss {record['valid_loss']:.4f}"
        scores += f"  ppl {record['valid_ppl']:.2f}" if "valid_ppl" in record else ""
    for name, value in record.items():
        if name.endswith(("_accuracy", "_exact_match")):
            scores += f"  {name.replace('_', ' ')} {value:.2%}"
    scores += "  (best so far)" if "valid_loss" in record and record.get("best") else ""
    return f"epoch {record['epoch']} done at step {record['step']}, {record['seconds']:.0f} s{scores}"


class ProgressBar(Callback):
    """Shows a bar of the steps, in a terminal or a notebook.

    Args:
        enabled: Whether to show anything.
    """

    def __init__(self, enabled: bool = True) -> None:
        self.bar = Bar(enabled)

    def on_train_start(self, total: int | None, done: int, unit: str = "step") -> None:
        """Open the bar, or change its total."""
        self.bar.start(total, done, unit)

    def on_step(self, step: int, loss: float) -> None:
        """Move the bar."""
        self.bar.move(step, loss)

    def on_train_end(self) -> None:
        """Close the bar."""
        self.bar.close()


class InfoLog(Callback):
    """Writes records and messages to the logger "seqkit" at level INFO."""

    def on_log(self, record: Record) -> None:
        """Log the line of a log interval."""
        _log.info(log_line(record))

    def on_epoch_end(self, record: Record) -> None:
        """Log the line of an epoch."""
        _log.info(epoch_line(record))

    def on_message(self, text: str) -> None:
        """Log a message."""
        _log.info(text)
