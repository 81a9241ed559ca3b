"""The lines of a training's log for people, and the callback that gives them to :mod:`logging`."""

import logging

from seqkit.progress import duration
from seqkit.training.callbacks import Callback, Record

_log = logging.getLogger("seqkit")


def log_line(record: Record, unit: str = "tokens") -> str:
    """Return the record of a log interval as a line; ``unit`` is that of the speed: tokens, texts, images."""
    parts = [_of("step", record, "steps"), _of("epoch", record, "epochs"), f"loss {record['loss']:.4f}"]
    if "ppl" in record:
        parts.append(f"ppl {record['ppl']:.2f}")
    parts.append(f"lr {record['lr']:.3g}")
    if "grad_norm" in record:
        parts.append(f"grad norm {record['grad_norm']:.3g}")
    parts.append(f"{record['tokens_per_s']:,.0f} {unit}/s")
    if "seconds_left" in record:
        parts.append(f"{duration(record['seconds_left'])} left")
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
    ended = "done" if record.get("complete", True) else "stopped by a limit"
    scores += "  (best so far)" if "valid_loss" in record and record.get("best") else ""
    epoch, step = _of("epoch", record, "epochs"), record["step"]
    return f"{epoch} {ended} at step {step:,}, {duration(record['seconds'])}{scores}"


def _of(name: str, record: Record, total: str) -> str:
    """Return a number of the record with the total, if the record has it: "epoch 2 of 5"."""
    value = f"{name} {record[name]:,}"
    if total not in record:
        return value
    return f"{value.rjust(len(f'{name} {record[total]:,}'))} of {record[total]:,}"


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
