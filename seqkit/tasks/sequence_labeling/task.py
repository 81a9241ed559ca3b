"""``train`` of sequence labelling."""

from pathlib import Path

from seqkit.corpora import TaggedCorpus
from seqkit.tasks.sequence_labeling.data import encode_and_report, open_corpus
from seqkit.tasks.sequence_labeling.initial_tagger import from_initial
from seqkit.tasks.sequence_labeling.model import resolve, with_paths
from seqkit.tasks.sequence_labeling.settings import (
    COUNTS,
    ResolvedSequenceLabelingSettings,
    SequenceLabelingSettings,
)
from seqkit.tasks.sequence_labeling.trained import TASK, TrainedTagger, load
from seqkit.tasks.sequence_labeling.training_tasks import CountLabeling, WordLabeling
from seqkit.tasks.training import Callbacks, Changes, run_training
from seqkit.training import Callback, Task


def make_task(settings: SequenceLabelingSettings, corpus: TaggedCorpus, callback: Callback) -> Task:
    """Resolve the settings, encode the sentences and create the model."""
    if settings.init is not None:
        return from_initial(settings, corpus, settings.init, callback)
    settings = with_paths(settings)
    encoded = encode_and_report(settings, corpus, callback)
    if encoded.scheme is None:
        settings.refuse_given("scheme on_broken_tags", "tags of spans")
    resolved = resolve(settings, encoded)
    if resolved.model in COUNTS:
        return CountLabeling(resolved, encoded)
    return WordLabeling(resolved, encoded, callback)


def train(
    settings: SequenceLabelingSettings,
    out: str | Path,
    *,
    resume: bool = False,
    changes: Changes = None,
    callbacks: Callbacks = None,
    progress: bool = False,
) -> TrainedTagger:
    """Train a tagger into a run directory and return it with its best weights.

    Args:
        settings: The tagged sentences, the model, the optimiser and the limits; the flags of
            ``seqkit train-tagger``.
        out: The run directory; it must not hold a run yet, unless ``resume`` is given.
        resume: Continue the run at ``out`` with its own settings; begin it if there is none yet.
        changes: Settings of a resumed run that change, such as ``{"epochs": 20}``.
        callbacks: A :class:`seqkit.training.Callback` or several.
        progress: Whether to show a progress bar; the logger "seqkit" gets the log at level INFO either way.

    Returns:
        The tagger with the weights of the highest validation F1, or accuracy for tags without spans:
        ``tag(texts)``, ``evaluate()``.

    Raises:
        UsageError: The settings cannot be combined, or cannot change in a resumed run.
        DataError: The corpus is absent or unreadable, or has changed since the run was begun.
        RunError: ``out`` holds other files, or a run of another task.
        DivergenceError: The loss is not finite; the last good checkpoint is kept.
        TrainingInterrupted: Ctrl-C or SIGTERM was received; the state is saved.
    """
    run = run_training(
        TASK,
        settings,
        out,
        ResolvedSequenceLabelingSettings,
        open_corpus,
        make_task,
        resume,
        changes,
        callbacks,
        progress,
    )
    return load(run.path)
