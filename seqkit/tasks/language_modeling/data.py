"""Data of the language modelling task: the corpus as ids, and the training windows."""

import time

from seqkit import corpora
from seqkit.corpora import Corpus
from seqkit.data import BPTTBatches, EncodedCorpus, TextWindows
from seqkit.data.language_modeling import VariableBPTTBatches
from seqkit.tasks.initial_run import InitialText, report_start
from seqkit.tasks.language_modeling.settings import LanguageModelSettings, ResolvedLanguageModelSettings
from seqkit.tasks.text import describe_text, encode_text, report_reading, warn_of_text
from seqkit.training import Callback


def open_corpus(settings: LanguageModelSettings) -> Corpus:
    """Open the corpus that the settings name."""
    return corpora.open_corpus(settings.corpus, **settings.reading)


def encode(
    settings: ResolvedLanguageModelSettings,
    corpus: Corpus,
    callback: Callback,
    initial: InitialText | None = None,
) -> EncodedCorpus:
    """Encode the corpus as ids, those of the initial run if there is one, and report its size."""
    report_reading(corpus, callback.on_message)
    started = time.perf_counter()
    words = None if initial is None else initial.text
    encoded = encode_text(settings, corpus, callback.on_message, words)
    seconds = time.perf_counter() - started
    callback.on_message(f"{corpus.name}: {describe_text(encoded, encoded.vocabulary)} ({seconds:.1f} s)")
    if initial is None:
        warn_of_text(encoded, encoded.vocabulary, callback.on_message)
    else:
        vocabularies = {"words": (initial.vocabulary, encoded.vocabulary)}
        report_start(initial, vocabularies, callback.on_message, encoded.info["train"].unk_fraction)
    return encoded


def training_batches(
    settings: ResolvedLanguageModelSettings, encoded: EncodedCorpus, eos_id: int
) -> BPTTBatches | TextWindows:
    """Return the windows of the training split: streams in order; for a Transformer, shuffled windows."""
    ids, size, length = encoded.splits["train"], settings.batch_size, settings.window_length
    if settings.model == "transformer":
        return TextWindows(ids, batch_size=size, length=length, start_id=eos_id, seed=settings.seed)
    if settings.variable_bptt:
        return VariableBPTTBatches(ids, batch_size=size, bptt=length, start_id=eos_id, seed=settings.seed)
    return BPTTBatches(ids, batch_size=size, bptt=length, start_id=eos_id)
