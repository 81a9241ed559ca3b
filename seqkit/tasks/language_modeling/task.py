"""Language modelling as a training task, and ``train``."""

import math
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from seqkit.autograd import Tensor
from seqkit.backend import Array, make_current, to_device
from seqkit.corpora import Corpus
from seqkit.data import BPTTBatches, EncodedCorpus
from seqkit.data.language_modeling import VariableBPTTBatches
from seqkit.errors import RunError
from seqkit.models import LanguageModel, NGramConfig
from seqkit.models.ngrams.kneser_ney import fit_in_group
from seqkit.tasks.initial_run import InitialText, initial_text
from seqkit.tasks.language_modeling.data import encode, open_corpus, training_batches
from seqkit.tasks.language_modeling.evaluation import stream_loss
from seqkit.tasks.language_modeling.model import NeuralModel, make_model
from seqkit.tasks.language_modeling.settings import LanguageModelSettings, ResolvedLanguageModelSettings
from seqkit.tasks.language_modeling.trained import TASK, TrainedLanguageModel, load
from seqkit.tasks.text import TextTask
from seqkit.tasks.training import Callbacks, Changes, run_training
from seqkit.text import SubwordTokenizer
from seqkit.training import Callback, Record, SinglePassTask, Task
from seqkit.training.settings import WITH_VALIDATION


class NeuralLanguageModeling(TextTask):
    """A recurrent language model or a Transformer.

    A recurrent model is trained by truncated backpropagation through time (Williams and Peng 1990): it reads
    windows of B streams and passes its state from each window to the next. A Transformer reads shuffled
    windows.
    """

    reports_perplexity = True
    model: NeuralModel

    def __init__(
        self,
        settings: ResolvedLanguageModelSettings,
        encoded: EncodedCorpus,
        initial: InitialText | None = None,
    ) -> None:
        super().__init__(settings, encoded, encoded.vocabulary)
        self.eos_id = encoded.vocabulary.id(encoded.tokenizer.end_of_line)
        model = make_model(settings, len(encoded.vocabulary)).to(make_current(settings.device))
        valid_ids = encoded.splits.get("valid")
        self.valid_ids = None if valid_ids is None else valid_ids[: settings.valid_tokens]
        if valid_ids is None:
            settings.refuse_given("patience eval_batch_size valid_tokens", WITH_VALIDATION)
        self.batches = training_batches(settings, encoded, self.eos_id)
        Task.__init__(self, settings, model, len(self.batches))
        self.eval_batch_size = settings.eval_batch_size
        self.divergence_loss = 20 * math.log(model.config.vocab_size)  # 20 times the loss of a uniform guess
        self._state = self._zero_state()
        self._penalty: Tensor | None = None
        if initial is not None:
            self.initial_weights = initial.weights(model, encoded.vocabulary, settings.seed)

    def start_epoch(self, epoch: int, *, fresh: bool) -> None:
        """Begin an epoch with a zero recurrent state, unless a resumed run continues within it."""
        super().start_epoch(epoch, fresh=fresh)
        if fresh:
            self._state = self._zero_state()

    def _zero_state(self) -> list[tuple[Array, ...]]:
        """Return the recurrent state of this process's streams before any token."""
        rows = self.group.span(self.batches.batch_size)
        return self.model.zero_state(rows.stop - rows.start)

    def batch(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the inputs and targets of a window, both (B, T)."""
        batches = self.batches
        if isinstance(batches, VariableBPTTBatches):
            return batches.batch_of(self.epoch, index)
        return batches.batch(index) if isinstance(batches, BPTTBatches) else batches.batch(self.epoch, index)

    def step_factor(self, index: int) -> float:
        """Return T' / T for a window of T' tokens, whose mean loss would otherwise count as one of T."""
        if not isinstance(self.batches, VariableBPTTBatches):
            return 1.0
        start, end = self.batches.cuts(self.epoch)[index : index + 2].tolist()
        return (end - start) / self.batches.bptt

    def loss(self, batch: tuple[np.ndarray, np.ndarray]) -> tuple[Tensor, int]:
        """Return the mean loss of a window and its number of predictions."""
        inputs, targets = batch
        generator = self.generators["dropout"]
        if isinstance(self.model, LanguageModel):
            loss, self._penalty, self._state = self.model.loss_and_penalty(
                inputs, targets, self._state, generator=generator
            )
        else:
            loss, self._state = self.model.loss(inputs, targets, self._state, generator=generator)
        return loss, targets.size

    def penalty(self) -> Tensor | None:
        """Return the regularisation of a recurrent model's activations."""
        return self._penalty

    def validate(self, poll: Callable[[], None]) -> dict[str, float] | None:
        """Return the mean loss over all tokens of the validation split."""
        if self.valid_ids is None:
            return None
        batch_size = min(self.eval_batch_size, len(self.valid_ids))
        total = stream_loss(
            self.model, self.valid_ids, self.eos_id, batch_size=batch_size, poll=poll, group=self.group
        )
        return {"loss": total / len(self.valid_ids)}

    def recurrent_state(self) -> dict[str, Array]:
        """Return the recurrent state: arrays (B, H) by "layer.entry"."""
        return {f"{i}.{j}": a for i, entry in enumerate(self._state) for j, a in enumerate(entry)}

    def load_recurrent_state(self, arrays: Mapping[str, Array]) -> None:
        """Continue with arrays that :meth:`recurrent_state` returned."""
        self._state = self._zero_state()
        present = self.recurrent_state()
        if arrays.keys() != present.keys() or any(arrays[k].shape != present[k].shape for k in present):
            raise RunError("expected the recurrent state of this model and batch size, got another")
        device = self.model.device
        self._state = [
            tuple(to_device(arrays[f"{i}.{j}"], device) for j in range(len(entry)))
            for i, entry in enumerate(self._state)
        ]


class KneserNeyModeling(SinglePassTask, TextTask):
    """A Kneser-Ney model, fitted in one pass over the text."""

    def __init__(self, settings: ResolvedLanguageModelSettings, encoded: EncodedCorpus) -> None:
        super().__init__(settings, encoded, encoded.vocabulary)
        self.ngrams, self.eos_id = settings.ngrams(), encoded.vocabulary.id(encoded.tokenizer.end_of_line)

    def fit_model(self, folder: Path) -> tuple[dict[str, Array], Record, dict[str, float] | None]:
        """Return the model's arrays, the record of the fit, and the validation scores.

        Of several processes each counts a piece of the text, and the first one fits and scores the model.
        """
        splits = self.encoded.splits
        settings, sent = self.ngrams, self.group.bytes_sent
        model = fit_in_group(
            splits["train"],
            NGramConfig(len(self.vocabulary), settings.order, self.eos_id),
            self.group,
            prune=settings.prune,
            discount_fallback=settings.discount_fallback,
            memory=settings.memory,
            folder=folder if folder.is_dir() else None,  # the run of another host
            dtype=np.float64 if settings.bits == 64 else np.float32,
        )
        sent = int(self.group.sum(np.array([self.group.bytes_sent - sent]))[0])
        if model is None:
            return {}, {}, None
        if settings.bits < 32:
            model = model.quantized(settings.bits)
        record: Record = {"step": 1, "epoch": 1, "tokens": self.encoded.info["train"].tokens}
        if self.group.size > 1:
            record["bytes_sent"] = sent
        scores = None
        if "valid" in splits:
            loss = stream_loss(model, splits["valid"], self.eos_id) / len(splits["valid"])
            scores = {"loss": loss}
            record |= {"valid_loss": loss, "valid_ppl": math.exp(loss)}
        return model.state_dict(), record, scores


def make_task(settings: LanguageModelSettings, corpus: Corpus, callback: Callback) -> TextTask:
    """Resolve the settings, encode the corpus and create the model."""
    initial = initial_text(settings, TASK, ResolvedLanguageModelSettings, "train-lm")
    if initial is not None and initial.settings.model == "kneser-ney":
        raise RunError(f"{initial.path} is a model of counts, which has no weights to start from")
    if initial is None:
        resolved = settings.resolve(corpus)
    else:
        resolved = initial.keep(initial.complete(settings).resolve(corpus))
    encoded = encode(resolved, corpus, callback, initial)
    if resolved.model == "kneser-ney":
        return KneserNeyModeling(resolved, encoded)
    if not settings.RESOLVED:  # those of a run to resume are complete
        complete = resolved.for_text(
            encoded.info["train"].tokens,
            len(encoded.vocabulary),
            subwords=isinstance(encoded.tokenizer, SubwordTokenizer),
        )
        if resolved.model != "transformer" and initial is None:  # their defaults are the same for all texts
            _report_defaults(resolved, complete, callback)
        resolved = complete
    return NeuralLanguageModeling(resolved, encoded, initial)


def _report_defaults(
    given: ResolvedLanguageModelSettings, complete: ResolvedLanguageModelSettings, callback: Callback
) -> None:
    """Report the settings that were not given and depend on the size of the text."""
    ignored, chosen = complete.ignored(), []
    for name in ("epochs", "dropout", "sampled_softmax"):
        if getattr(given, name) is None and name not in ignored:
            chosen.append(f"{name.replace('_', '-')} {getattr(complete, name):g}")
    if chosen:
        callback.on_message(f"defaults for a text of this size: {', '.join(chosen)}")


def train(
    settings: LanguageModelSettings,
    out: str | Path,
    *,
    resume: bool = False,
    changes: Changes = None,
    callbacks: Callbacks = None,
    progress: bool = False,
) -> TrainedLanguageModel:
    """Train a language model into a run directory and return it with its best weights.

    The best weights are those with the lowest validation loss; without a validation split the last ones.
    Each epoch ends with a validation, a record in ``log.jsonl`` and a checkpoint. A run that was interrupted
    continues with ``resume=True``, and ends with the same weights to the bit as without the interruption.

    Args:
        settings: The corpus, the model, the optimiser and the limits of the training: the flags of ``seqkit
            train-lm``. ``corpus`` is a registered name ("ptb"), "nltk:NAME", a text file, or a folder of text
            files.
        out: The run directory. It must not hold a run yet, unless ``resume`` is given.
        resume: Continue the run at ``out`` with its own settings; begin it if there is none yet.
        changes: Settings of a resumed run that change: epochs, max_steps, max_time, patience,
            lr, clip, log_interval, checkpoint_interval or device, by name.
        callbacks: A :class:`seqkit.training.Callback` or several.
        progress: Whether to show a progress bar; the logger "seqkit" gets the log at level INFO either way.

    Returns:
        The trained model: ``evaluate()`` for its perplexity, ``score(lines)``, ``generate(prompt)``.
        ``seqkit.load(out)`` loads it again.

    Raises:
        UsageError: The settings cannot be combined, or cannot change in a resumed run.
        DataError: The corpus is absent or unreadable, or has changed since the run was begun.
        RunError: ``out`` holds other files, or a run of another task.
        DivergenceError: The loss is not finite; the last good checkpoint is kept.
        TrainingInterrupted: Ctrl-C or SIGTERM was received; the state is saved.

    Example:
        >>> from seqkit.tasks.language_modeling import LanguageModelSettings, train
        >>> settings = LanguageModelSettings(corpus="my-text.txt", embedding_size=128, epochs=4)
        >>> model = train(settings, "runs/first")  # doctest: +SKIP
        >>> model.evaluate("test").perplexity  # doctest: +SKIP
        >>> model.generate("the function", temperature=0.8)[0].text  # doctest: +SKIP
    """
    run = run_training(
        TASK,
        settings,
        out,
        ResolvedLanguageModelSettings,
        open_corpus,
        make_task,
        resume,
        changes,
        callbacks,
        progress,
    )
    return load(run.path)
