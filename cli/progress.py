"""Progress of a training on stderr: a bar on a terminal, and a line for each record."""

import contextlib
import sys
from collections.abc import Iterator
from typing import Any

from seqkit.cli.common import echo, is_terminal
from seqkit.training import Callback, Record


class ProgressBar(Callback):
    """Shows the progress of a training.

    Args:
        quiet: Show nothing.
        unit: Unit of the speed: tokens, texts, images.
    """

    def __init__(self, quiet: bool = False, unit: str = "tokens") -> None:
        self.quiet, self.unit = quiet, unit
        self._bar: Any = None

    def _print(self, text: str) -> None:
        if self.quiet:
            return
        with self._quiet_when_closed():
            if self._bar is not None:
                self._bar.clear()
            echo(text, err=True)
            if self._bar is not None:
                self._bar.refresh()

    @contextlib.contextmanager
    def _quiet_when_closed(self) -> Iterator[None]:
        """Go on without output when stderr is closed, full, or a terminal that is gone."""
        try:
            yield
        except (OSError, ValueError):
            self.quiet, self._bar = True, None

    def on_train_start(self, total: int | None, done: int, unit: str = "step") -> None:
        """Open the bar, or change its total."""
        if self.quiet or not is_terminal(sys.stderr):
            return
        with self._quiet_when_closed():
            if self._bar is None:
                from tqdm import tqdm

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

    def on_step(self, step: int, loss: float) -> None:
        """Move the bar."""
        if self._bar is not None:
            with self._quiet_when_closed():
                self._bar.set_postfix(loss=f"{loss:.3f}", refresh=False)
                self._bar.update(step - self._bar.n)

    def on_log(self, record: Record) -> None:
        """Print a line for each log interval."""
        parts = [f"step {record['step']:>7}", f"epoch {record['epoch']}", f"loss {record['loss']:.4f}"]
        if "ppl" in record:
            parts.append(f"ppl {record['ppl']:.2f}")
        parts.append(f"lr {record['lr']:.3g}")
        if "grad_norm" in record:
            parts.append(f"grad norm {record['grad_norm']:.3g}")
        parts.append(f"{record['tokens_per_s']:,.0f} {self.unit}/s")
        if "seconds_left" in record:
            parts.append(f"{record['seconds_left']:,.0f} s left")
        self._print("  ".join(parts))

    def on_epoch_end(self, record: Record) -> None:
        """Print a line for each epoch."""
        scores = f"  mean loss {record['train_loss']:.4f}" if "train_loss" in record else ""
        if "valid_loss" in record:
            scores += f"  valid loss {record['valid_loss']:.4f}"
            scores += f"  ppl {record['valid_ppl']:.2f}" if "valid_ppl" in record else ""
        for name, value in record.items():
            if name.endswith(("_accuracy", "_exact_match")):
                scores += f"  {name.replace('_', ' ')} {value:.2%}"
        scores += "  (best so far)" if "valid_loss" in record and record.get("best") else ""
        self._print(
            f"epoch {record['epoch']} done at step {record['step']}, {record['seconds']:.0f} s{scores}"
        )

    def on_message(self, text: str) -> None:
        """Print a message."""
        self._print(text)

    def on_train_end(self) -> None:
        """Close the bar."""
        if self._bar is not None:
            with self._quiet_when_closed():
                self._bar.close()
            self._bar = None
