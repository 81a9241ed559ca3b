"""Trained language models: loaded from a run, and evaluated."""

from pathlib import Path

import numpy as np

from seqkit.data import EncodedCorpus, encode_corpus
from seqkit.distributed.group import ALONE, ProcessGroup
from seqkit.errors import UsageError, require_choice, require_number
from seqkit.models import NGramConfig, NGramModel
from seqkit.models.mixture import MixtureModel
from seqkit.progress import with_progress
from seqkit.tasks.language_modeling import evaluation
from seqkit.tasks.language_modeling.evaluation import Evaluation
from seqkit.tasks.language_modeling.model import AnyLanguageModel, make_model
from seqkit.tasks.language_modeling.settings import ResolvedLanguageModelSettings
from seqkit.tasks.language_modeling.text_model import TextLanguageModel
from seqkit.tasks.runs import (
    choose_split,
    load_best_weights,
    open_run,
    require_cpu,
    require_same_corpus,
    run_settings,
)
from seqkit.tasks.text import OnMessage, open_text, run_tokenizer, run_vocabulary, warn_of_text
from seqkit.text import Tokenizer, Vocabulary
from seqkit.training import RunDirectory

TASK = "language_modeling"
PROTOCOLS = ("exact", "textbook", "blocks")


class TrainedLanguageModel(TextLanguageModel):
    """A trained language model; :func:`train` and :func:`load` return it.

    Threads may share it.

    Attributes:
        run: The run directory.
        settings: The resolved settings.
        model: The model in evaluation mode.
        vocabulary: The vocabulary.
        tokenizer: The tokenizer.
    """

    def __init__(
        self,
        run: RunDirectory,
        settings: ResolvedLanguageModelSettings,
        model: AnyLanguageModel,
        vocabulary: Vocabulary,
        tokenizer: Tokenizer,
    ) -> None:
        super().__init__(model, vocabulary, tokenizer)
        self.run, self.settings = run, settings

    def __repr__(self) -> str:
        model = f"{self.settings.describe()}, {len(self.vocabulary):,} types"
        return f"TrainedLanguageModel({str(self.run.path)!r}: {model})"

    def encoded(
        self, corpus: str | None = None, text_column: int | str | None = None, *, whole: bool = False
    ) -> EncodedCorpus:
        """Return the run's corpus, or another, as ids of this model's vocabulary.

        Raises:
            DataError: The corpus is absent, or has changed since the training.
        """
        source = open_text(self.settings, corpus, text_column, whole=whole)
        key = source.content_key()
        if corpus is None:
            require_same_corpus(self.run, source, remedy="restore its files, or name the text to evaluate on")
        return encode_corpus(
            source.sources,
            self.tokenizer,
            key=key,
            vocabulary=self.vocabulary,
            require_unchanged=source.require_unchanged,
        )

    @with_progress
    def evaluate(
        self,
        split: str | None = None,
        *,
        corpus: str | None = None,
        text_column: int | str | None = None,
        batch_size: int = 1,
        protocol: str = "exact",
        on_message: OnMessage | None = None,
        progress: bool = False,
        group: ProcessGroup = ALONE,
    ) -> Evaluation:
        """Return the perplexity on a split of the run's corpus, or of another corpus.

        Args:
            split: train, valid or test; by default "test", or "valid" if there is none, and all of another
                file.
            corpus: Another corpus, named as in the settings.
            text_column: The column of the texts of that corpus, if it is a table; by default it is found.
            batch_size: Streams that are read in parallel; more are faster, and each begins with a zero
                state.
            protocol: "exact" predicts every token once; "textbook" reads 10 streams in windows of 35 and
                drops the remainder; "blocks" reads independent blocks as long as the training windows.
            on_message: Called with a warning about text that does not fit the tokenizer.
            progress: Whether to show a progress bar.
            group: Processes that share out streams, blocks, and lines of an n-gram model.

        Raises:
            DataError: The corpus is absent or has changed, or has no such split.
            UsageError: An unknown protocol, or one that the model does not have.
        """
        encoded = self.encoded(corpus, text_column, whole=split is None)
        split = choose_split(split, encoded.splits, corpus or self.settings.corpus)
        warn_of_text(encoded, self.vocabulary, on_message, [split])
        ids, info = encoded.splits[split], encoded.info[split]
        predictions, unk = len(ids), info.unk
        characters: int | None = info.characters
        require_choice("protocol", protocol, PROTOCOLS)
        require_number("batch_size", batch_size, least=1)
        if batch_size != 1 and (protocol != "exact" or isinstance(self.model, NGramModel)):
            raise UsageError("batch_size has no effect here: it is for neural models and the protocol exact")
        if protocol == "exact":
            batch_size = min(batch_size, len(ids))
            total = evaluation.stream_loss(self.model, ids, self.eos_id, batch_size=batch_size, group=group)
        elif isinstance(self.model, NGramModel):
            raise UsageError(f"expected protocol to be exact for Kneser-Ney, got {protocol!r}")
        elif protocol == "blocks":
            batch_size, length = 1, self.settings.window_length
            total = evaluation.blocks_loss(self.model, ids, self.eos_id, length=length, group=group)
        else:
            total, predictions = evaluation.textbook_loss(self.model, ids)
            predicted = np.asarray(ids[1 : predictions + 1])
            unk, characters, batch_size = int((predicted == self.vocabulary.unk_id).sum()), None, 10
        return evaluation.evaluation(
            split,
            total,
            predictions,
            characters=characters,
            vocab_size=len(self.vocabulary),
            unk=unk,
            hidden=info.hidden,
            tokenizer=self.tokenizer.name,
            batch_size=batch_size,
            protocol=protocol,
        )


def load(path: str | Path, *, device: str | None = None) -> TrainedLanguageModel:
    """Load the trained model of a run of `train-lm`.

    Args:
        path: The run directory.
        device: Where the model computes; None for the default device.

    Raises:
        RunError: The folder is not a run directory, or that of another task.
        DamagedFileError: A file of the run is damaged.
    """
    run = open_run(path, TASK)
    settings = run_settings(run, ResolvedLanguageModelSettings)
    vocabulary, tokenizer = run_vocabulary(run), run_tokenizer(run)
    model: AnyLanguageModel
    mixture = run.config.get("mixture")
    if mixture is not None:
        members = [load(run.path / Path(name).name, device=device) for name in mixture["members"]]
        model = MixtureModel([member.model for member in members], mixture["weights"])
    elif settings.model == "kneser-ney":
        require_cpu(device, "the model kneser-ney")
        eos_id = vocabulary.id(tokenizer.end_of_line)
        config = NGramConfig(len(vocabulary), settings.order, eos_id)
        model = run.map_model(lambda arrays, check: NGramModel.from_state_dict(config, arrays, check=check))
    else:
        V = len(vocabulary)
        at_least = settings.least_weights(V)
        model = load_best_weights(
            run, lambda generator: make_model(settings, V, generator), device, at_least=at_least
        )
    return TrainedLanguageModel(run, settings, model, vocabulary, tokenizer)
