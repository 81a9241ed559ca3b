"""The word2vec trainer in a run directory: progress, logs, checkpoints, and a clean stop on signals.

The threads stop between chunks of text for each log record and checkpoint, so that the saved state is
consistent. With one worker, a resumed run has the same vectors to the bit as an uninterrupted one. Of several
processes the first one logs and saves, after all have averaged their vectors.
"""

import math
import threading
import time

import numpy as np

from seqkit.errors import DivergenceError, Remedy, RunError, TrainingInterrupted
from seqkit.progress import Job, progress
from seqkit.tasks.embeddings.trained import INPUT, OUTPUT
from seqkit.training import Callback, CallbackList, Record, RunDirectory
from seqkit.training.signals import SignalWatch
from seqkit.training.stopping import NOTHING_LEFT
from seqkit.vectors.word2vec import TrainingState, Word2VecTrainer


class Word2VecTraining:
    """Runs a :class:`Word2VecTrainer` into a run directory.

    Args:
        trainer: The trainer.
        run: The directory of the log, the checkpoints and the vectors.
        log_interval: Seconds between log records.
        checkpoint_interval: Seconds between checkpoints.
        callbacks: A callback, called after the run's log.
    """

    def __init__(
        self,
        trainer: Word2VecTrainer,
        run: RunDirectory,
        *,
        log_interval: float,
        checkpoint_interval: float,
        callbacks: Callback,
    ) -> None:
        self.trainer, self.run, self.group = trainer, run, trainer.group
        self.callbacks = CallbackList([run.log, callbacks] if self.group.is_first else [])
        self._sent = 0  # bytes, at the last log record
        self.log_interval, self.checkpoint_interval = log_interval, checkpoint_interval
        self._job = Job("training")
        self._signals = SignalWatch()
        self._lock = threading.Lock()
        self._logged = (0, 0.0, 0, 0.0)  # words, seconds, examples and loss at the last log record
        self._shown = self._due = self._saved_at = 0.0
        self._since = 0  # step when the threads last started

    def _load_checkpoint(self) -> None:
        """Restore the run's last checkpoint, if any. Raise RunError for an incompatible version."""
        checkpoint = self.group.on_first(self.run.load_checkpoint)
        metadata = self.group.share(checkpoint and checkpoint[1])
        if metadata is None:
            return
        arrays = self.group.share_arrays(checkpoint and checkpoint[0])
        try:
            self.trainer.restore(arrays, metadata["trainer"])
        except KeyError as error:
            raise RunError(
                f"{self.run.path / 'last.safetensors'} was written by an incompatible version ({error})"
            ) from error

    def fit(self, *, resume: bool = False) -> None:
        """Train to the last epoch.

        Args:
            resume: Continue from the run's last checkpoint; from the beginning if there is none.

        Raises:
            TrainingInterrupted: A signal was received; the state is saved.
            DivergenceError: The vectors are not finite.
            RunError: The checkpoint is of an incompatible version, or a file cannot be written.
        """
        if resume:
            self._load_checkpoint()
        trainer, state = self.trainer, self.trainer.state
        if state.epoch >= trainer.settings.epochs:
            self.callbacks.on_message(NOTHING_LEFT)
        total = trainer.settings.epochs * trainer.corpus_words
        with self._signals, progress("training", total, "words", done=state.words) as self._job:
            try:
                if state.words == 0:
                    self._checkpoint()
                self._saved_at = time.perf_counter()
                self._logged = (state.words, state.seconds, state.epoch_examples, state.epoch_loss)
                self._start_progress()
                self._set_next_stop()
                while not trainer.run(
                    on_progress=self._progress, on_epoch=self._epoch, should_stop=self._should_stop
                ):
                    self._pause()
                    self._set_next_stop()
            finally:
                self.callbacks.on_train_end()

    def _start_progress(self) -> None:
        if self.trainer.cuts:
            self.callbacks.on_message(
                f"lines of more than 10,000 tokens are cut into sentences, in {self.trainer.cuts:,} places"
            )
        total = self.trainer.settings.epochs * self.trainer.corpus_words
        self.callbacks.on_train_start(total, self.trainer.state.words, unit="word")

    def _set_next_stop(self) -> None:
        """Set the time of the next stop; at least one chunk is done before it."""
        now, self._since = time.perf_counter(), self._step()
        self._due = min(now + self.log_interval, max(now, self._saved_at + self.checkpoint_interval))

    def _should_stop(self) -> bool:
        if self._signals.received is not None:
            return True
        return time.perf_counter() >= self._due and self._step() > self._since

    def _progress(self, state: TrainingState) -> None:
        """Inform the callbacks; called in the trainer's threads after each chunk."""
        now = time.perf_counter()
        if now - self._shown > 0.1 and self._lock.acquire(blocking=False):
            try:
                self._shown = now
                loss = state.epoch_loss / max(1, state.epoch_examples)
                epochs = self.trainer.settings.epochs
                self._job.move(state.words, f"epoch {state.epoch + 1} of {epochs}, loss {loss:.3f}")
                self.callbacks.on_step(state.words, loss)
            finally:
                self._lock.release()

    def _pause(self) -> None:
        """Log, save a checkpoint, or stop; called when all threads have stopped between chunks."""
        state = self.trainer.state
        received = self._signals.received
        if self.group.size > 1:
            received = max(self.group.gather_json(received), key=lambda signum: signum or 0)
        if received is not None:
            self._checkpoint()
            raise TrainingInterrupted(
                f"stopped by a signal in epoch {state.epoch + 1} of {self.trainer.settings.epochs}; "
                f"the state is saved in {self.run.path}",
                signum=received,
            )
        self._require_finite()
        self._log()
        due = time.perf_counter() - self._saved_at >= self.checkpoint_interval
        if self.group.of_first(float(due)):
            self._checkpoint()

    def _require_finite(self) -> None:
        """Raise DivergenceError before vectors that are not finite reach the disk."""
        state = self.trainer.state
        sums = (float(np.sum(a, dtype=np.float64)) for a in self._arrays().values())
        if all(math.isfinite(s) for s in (*sums, state.epoch_loss)):
            return
        raise DivergenceError(
            f"training diverged in epoch {state.epoch + 1}: vectors that are not finite, learning rate "
            f"{self.trainer.alpha:g}",
            where=f"run {self.run.path}",
            remedy=Remedy("start again with a smaller alpha", command="start again with a smaller --alpha"),
        )

    def _step(self) -> int:
        """Return the number of chunks done over all epochs."""
        state = self.trainer.state
        return state.epoch * (len(self.trainer.bounds) - 1) + state.chunk

    def _arrays(self) -> dict[str, np.ndarray]:
        return {INPUT: self.trainer.input_vectors, OUTPUT: self.trainer.output_vectors}

    def _log(self) -> None:
        trainer, state = self.trainer, self.trainer.state
        words, seconds, examples, loss = self._logged
        if state.epoch_examples <= examples:  # an epoch has just ended
            return
        speed = (state.words - words) / max(state.seconds - seconds, 1e-9)
        left = (trainer.settings.epochs * trainer.corpus_words - state.words) / max(speed, 1e-9)
        record = {
            "step": self._step(),
            "steps": trainer.settings.epochs * (len(trainer.bounds) - 1),
            "epoch": state.epoch + 1,
            "epochs": trainer.settings.epochs,
            "tokens": state.words,
            "loss": (state.epoch_loss - loss) / max(1, state.epoch_examples - examples),
            "lr": trainer.alpha,
            "tokens_per_s": round(speed, 1),
            "seconds": round(state.seconds, 3),
            "seconds_left": round(left, 1),
        }
        if self.group.size > 1:
            sent, self._sent = self.group.bytes_sent - self._sent, self.group.bytes_sent
            record["bytes_sent"] = sent
        self._logged = (state.words, state.seconds, state.epoch_examples, state.epoch_loss)
        self.callbacks.on_log(record)

    def _epoch(self, state: TrainingState, loss: float) -> None:
        """Log an epoch, and save its vectors and a checkpoint."""
        self._require_finite()
        record: Record = {
            "step": self._step(),
            "epoch": state.epoch,
            "epochs": self.trainer.settings.epochs,
            "tokens": state.words,
            "train_loss": loss,
            "lr": self.trainer.alpha,
            "seconds": round(state.seconds, 3),
        }
        arrays = {name: np.ascontiguousarray(a) for name, a in self._arrays().items()}
        position = {"step": self._step(), "epoch": state.epoch, "epochs_trained": self.trainer.epochs_trained}
        self.group.on_first(lambda: self.run.save_model(arrays, {**position, "scores": {"loss": loss}}))
        self._logged = (*self._logged[:2], 0, 0.0)
        averaging = self.trainer.averaging
        if averaging is not None:
            self.callbacks.on_message(
                f"averaged the vectors of {self.group.size} processes {averaging.times} times, "
                f"{averaging.rows_sent / averaging.rows:.0%} of their rows at a time: "
                f"{self.group.bytes_sent / 1e6:,.0f} MB sent by this process so far"
            )
        self.callbacks.on_epoch_end(record)
        self._checkpoint()

    def _checkpoint(self) -> None:
        arrays, metadata = self.trainer.checkpoint()
        self.group.on_first(lambda: self.run.save_checkpoint(arrays, {"trainer": metadata}))
        self._saved_at = time.perf_counter()
