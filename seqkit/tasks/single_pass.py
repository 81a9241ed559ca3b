"""Tasks whose model is fitted in one pass, without an optimiser."""

from __future__ import annotations

import time
from typing import Any

from seqkit.backend import Array
from seqkit.training import Callback, RunDirectory, Task


class SinglePassTask(Task):
    """Base class of tasks that count instead of descending a gradient.

    There is no partial state: a fit that was interrupted starts again.
    """

    def fit_model(self) -> tuple[dict[str, Array], dict[str, Any], dict[str, Any] | None]:
        """Return the model's arrays, the record for the log, and the validation scores or None."""
        raise NotImplementedError

    def fit(self, run: RunDirectory, callbacks: Callback, *, resume: bool) -> None:
        """Fit the model into ``run``, unless it is there already."""
        if run.has_checkpoint():
            return
        started = time.perf_counter()
        arrays, record, scores = self.fit_model()
        record["seconds"] = round(time.perf_counter() - started, 3)
        run.save_model(arrays, {"step": 1, "epoch": 1, "scores": scores})
        run.log.append(record)
        run.save_checkpoint({}, {})
        callbacks.on_epoch_end(record)
