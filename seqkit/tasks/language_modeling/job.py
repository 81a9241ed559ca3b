"""A neural language model as the trainer of every task wants it: what it reads, and how it is validated."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from seqkit.autograd import Tensor
from seqkit.backend import Array, to_device
from seqkit.backend.random import Generator
from seqkit.data import BPTTBatches, TextWindows
from seqkit.errors import RunError
from seqkit.tasks.language_modeling.evaluation import Neural, stream_loss


class LanguageModelingJob:
    """What a neural model learns from ``train_ids`` (N,).

    A recurrent one by truncated backpropagation through time (Williams and Peng 1990): windows of B
    streams, the state carried from each to the next. One that carries none reads windows in any order.
    """

    def __init__(
        self,
        model: Neural,
        train_ids: np.ndarray,
        valid_ids: np.ndarray | None,
        *,
        eos_id: int,
        batch_size: int,
        bptt: int,
        eval_batch_size: int,
        seed: int,
    ) -> None:
        self.model, self.valid_ids, self.eos_id = model, valid_ids, eos_id
        self.eval_batch_size = eval_batch_size
        self.batches: BPTTBatches | TextWindows
        if model.carries_state:
            self.batches = BPTTBatches(train_ids, batch_size=batch_size, bptt=bptt, start_id=eos_id)
        else:
            self.batches = TextWindows(
                train_ids, batch_size=batch_size, length=bptt, start_id=eos_id, seed=seed
            )
        self.generators: dict[str, Any] = {"dropout": Generator(seed, "dropout")}
        self.perplexity = True
        self.divergence_loss = 20 * math.log(model.config.vocab_size)  # 20 times that of blind guessing
        self._state, self._epoch = model.zero_state(batch_size), 0

    def start_epoch(self, epoch: int, *, fresh: bool) -> int:
        """Empty the state of a fresh epoch; how many windows it has."""
        self._epoch = epoch
        if fresh:
            self._state = self.model.zero_state(self.batches.batch_size)
        return len(self.batches)

    def loss(self, index: int) -> tuple[Tensor, int]:
        """The mean loss of window ``index`` and its number of predictions."""
        batches = self.batches
        if isinstance(batches, TextWindows):
            inputs, targets = batches.batch(self._epoch, index)
        else:
            inputs, targets = batches.batch(index)
        loss, self._state = self.model.loss(
            inputs, targets, self._state, generator=self.generators["dropout"]
        )
        return loss, targets.size

    def validate(self, poll: Callable[[], None]) -> dict[str, float] | None:
        """The mean loss of the validation part, every token of it predicted once."""
        if self.valid_ids is None:
            return None
        batch_size = min(self.eval_batch_size, len(self.valid_ids))
        total = stream_loss(self.model, self.valid_ids, self.eos_id, batch_size=batch_size, poll=poll)
        return {"loss": total / len(self.valid_ids)}

    def carried(self) -> dict[str, Array]:
        """The recurrent state, "layer.part" by array (B, H)."""
        return {f"{i}.{j}": a for i, entry in enumerate(self._state) for j, a in enumerate(entry)}

    def load_carried(self, arrays: Mapping[str, Array]) -> None:
        """Go on with a state of :meth:`carried`."""
        own = self.carried()
        if arrays.keys() != own.keys() or any(arrays[k].shape != own[k].shape for k in own):
            raise RunError("the checkpoint's recurrent state is that of another model or batch size")
        device = self.model.device
        self._state = [
            tuple(to_device(arrays[f"{i}.{j}"], device) for j in range(len(entry)))
            for i, entry in enumerate(self._state)
        ]
