"""Trained taggers: tagging of texts and evaluation."""

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain, pairwise
from pathlib import Path

import numpy as np

from seqkit.data import EncodedSentences, PieceEncoder, TaggingEncoder, WordEncoder
from seqkit.data.tagging import UnspacedWords, cut_sentences, table_of
from seqkit.errors import DamagedFileError, DataError, Remedy, UsageError
from seqkit.files import fill_json
from seqkit.models import CountTagger, EncoderTagger, EncoderTaggerConfig, Tagger, TaggerConfig
from seqkit.models.tag_counts import count_arrays
from seqkit.progress import with_progress
from seqkit.tasks.classes import LABELS, labels_from_bytes
from seqkit.tasks.runs import (
    VOCABULARY,
    choose_split,
    load_best_weights,
    open_run,
    require_cpu,
    require_same_corpus,
    require_texts,
    run_settings,
)
from seqkit.tasks.sequence_labeling.data import encode, open_corpus
from seqkit.tasks.sequence_labeling.evaluation import (
    TaggingScores,
    batch_results,
    predict,
    predict_by_counts,
    score_tags,
    sentence_tags,
    to_input_scheme,
)
from seqkit.tasks.sequence_labeling.model import legal_of, make_model, saved_config
from seqkit.tasks.sequence_labeling.settings import COUNTS, ResolvedSequenceLabelingSettings
from seqkit.tasks.text import run_tokenizer, run_vocabulary
from seqkit.text import Tokenizer, WordTokenizer, get_tokenizer, normalize
from seqkit.text.scripts import is_spaced, is_unspaced
from seqkit.text.tag_schemes import find_spans
from seqkit.training import RunDirectory

TASK = "sequence_labeling"
LETTERS = "letters.vocab.txt"
PIECES, UNSPACED = "pieces", "unspaced_words"
"""Entries of the config of a tagger on an encoder: its tokenizer, and what it knows of unspaced words."""


def features_file(number: int) -> str:
    """Return the name of the vocabulary of a feature column, by its number from 1."""
    return f"feature-{number}.vocab.txt"


@dataclass(frozen=True)
class TaggedWord:
    """A word of a text, characters ``start`` to ``end - 1``, its tag and its probability.

    Models of counts give no probability.
    """

    text: str
    start: int
    end: int
    tag: str
    probability: float | None


@dataclass(frozen=True)
class TaggedSpan:
    """A span of a text, characters ``start`` to ``end - 1``, its label, and the smallest probability of its
    words' tags.
    """

    text: str
    start: int
    end: int
    label: str
    probability: float | None


@dataclass(frozen=True)
class TaggedText:
    """A text with its words and spans. For tags without spans, each word is a span."""

    text: str
    words: tuple[TaggedWord, ...]
    spans: tuple[TaggedSpan, ...]


class TrainedTagger:
    """A trained tagger; :func:`train` and :func:`load` return it.

    Threads may share it.

    Attributes:
        run: The run directory.
        settings: The resolved settings.
        model: The model in evaluation mode.
        encoder: Encodes words.
        labels: The tags, in the scheme that the model learned.
        tokenizer: Cuts texts into words.
    """

    def __init__(
        self,
        run: RunDirectory,
        settings: ResolvedSequenceLabelingSettings,
        model: Tagger | EncoderTagger | CountTagger,
        encoder: TaggingEncoder,
        labels: tuple[str, ...],
        tokenizer: Tokenizer,
    ) -> None:
        self.run, self.settings, self.model = run, settings, model
        self.encoder, self.labels, self.tokenizer = encoder, labels, tokenizer

    def __repr__(self) -> str:
        sizes = f"{len(self.labels)} tags, {self.encoder.describe()}"
        return (
            f"TrainedTagger({str(self.run.path)!r}: {self.settings.model}, {self.settings.output}, {sizes})"
        )

    @property
    def input_scheme(self) -> str | None:
        """The scheme of the corpus, in which tags are given; None for tags without spans."""
        return None if self.settings.input_scheme == "none" else self.settings.input_scheme

    @with_progress
    def tag(
        self, texts: Sequence[str], *, pretokenized: bool = False, progress: bool = False
    ) -> list[TaggedText]:
        """Tag texts, each as one sentence.

        Args:
            texts: The texts.
            pretokenized: Whether words have blanks between them already; otherwise the tokenizer finds them.
            progress: Whether to show a progress bar.

        Returns:
            For each text its words and spans, with offsets into the text as given. A text without a word has
            none.

        Raises:
            UsageError: ``texts`` is a string, or the tagger reads feature columns, which texts do not have.
            DataError: A text of a script without blanks between words, which the tokenizer cannot cut.
        """
        texts = require_texts(texts)
        if self.settings.columns:
            raise UsageError(
                f"the tagger reads column {self.settings.feature_columns} beside the words, and texts have "
                "none",
                remedy=Remedy(
                    "call tag_sentences(sentences, feature_columns)",
                    command="give files of columns: `seqkit tag RUN --columns FILE`",
                ),
            )
        places = [self._places(text, pretokenized) for text in texts]
        words = [[text[start:end] for start, end in found] for text, found in zip(texts, places, strict=True)]
        if not pretokenized:
            for number, (text, found) in enumerate(zip(texts, words, strict=True), 1):
                self._require_cut(text, found, f"text {number}")
        rows = [number for number, found in enumerate(words) if found]
        results = [TaggedText(text, (), ()) for text in texts]
        tagged = self._tag_words([words[row] for row in rows])
        for row, (tags, probabilities) in zip(rows, tagged, strict=True):
            results[row] = self._result(texts[row], places[row], tags, probabilities)
        return results

    def _places(self, text: str, pretokenized: bool) -> list[tuple[int, int]]:
        """Return start and end of each word of a text."""
        spaced = type(self.tokenizer) is WordTokenizer and is_unspaced(text) and is_spaced(text)
        return (get_tokenizer("whitespace") if pretokenized or spaced else self.tokenizer).spans(text)

    def _by_characters(self, text: str) -> bool:
        """Return whether the tokenizer cuts the words of a text without blanks between them."""
        return type(self.tokenizer) is WordTokenizer and not is_spaced(text)

    def _require_cut(self, text: str, words: list[str], where: str) -> None:
        """Raise DataError if most of a text is not cut into words as the training text was.

        Either its words are longer than all known ones of their script, or single characters where those are
        not.
        """
        known = self.encoder.unspaced
        uncut = [word for word in words if is_unspaced(word)]
        if not (self._by_characters(text) and known.mean > 1.2):
            uncut = [word for word in uncut if len(word) > known.longest and not self.encoder.knows(word)]
        if 2 * sum(map(len, uncut)) > sum(map(len, words)):
            raise DataError(
                f"expected words with blanks between them, got {''.join(uncut)[:20]!r}: the tokenizer "
                f"{self.tokenizer.name} does not find the words of this script",
                where=where,
                remedy=Remedy(
                    "put blanks between the words and give pretokenized=True, or train a tagger with a "
                    'tokenizer that finds them, such as tokenizer="jieba"',
                    command="put blanks between the words and give --pretokenized, or train a tagger with a "
                    "tokenizer that finds them: `seqkit train-tagger --tokenizer jieba`",
                ),
            )

    def tag_words(
        self,
        sentences: Iterable[Iterable[str]],
        feature_columns: Iterable[Iterable[Iterable[str]]] | None = None,
    ) -> list[list[str]]:
        """Return the tags of sentences of words, in the scheme of the corpus.

        Args:
            sentences: The words of each sentence.
            feature_columns: For a tagger that reads feature columns, those of each sentence in the order of
                ``settings.feature_columns``, each with a value for each word.

        Raises:
            UsageError: Feature columns are missing, or given to a tagger without them.
            DataError: A sentence or a word is empty, or a column has another length.
        """
        tagged = self.tag_sentences(sentences, feature_columns)
        return [[word.tag for word in each.words] for each in tagged]

    def tag_sentences(
        self,
        sentences: Iterable[Iterable[str]],
        feature_columns: Iterable[Iterable[Iterable[str]]] | None = None,
    ) -> list[TaggedText]:
        """Return words and spans of sentences of words; the text of each is its words with blanks between.

        Arguments and errors are those of :meth:`tag_words`.
        """
        rows = _words_of(sentences)
        columns = self._columns_of(rows, feature_columns)
        results = []
        for words, tagged in zip(rows, self._tag_words(rows, columns), strict=True):
            ends = list(accumulate(map(len, words), lambda end, length: end + 1 + length))
            places = [(end - len(word), end) for word, end in zip(words, ends, strict=True)]
            results.append(self._result(" ".join(words), places, *tagged))
        return results

    def _columns_of(
        self, sentences: list[list[str]], columns: Iterable[Iterable[Iterable[str]]] | None
    ) -> list[list[list[str]]] | None:
        """Return the feature columns as lists. Raise UsageError or DataError if they do not fit."""
        expected = self.settings.columns
        if (columns is None) == bool(expected):
            raise UsageError(
                "expected no feature_columns for a tagger that reads words alone"
                if not expected
                else f"expected the feature_columns {', '.join(expected)} that the tagger reads, got none"
            )
        if columns is None:
            return None
        _refuse_string("feature_columns", columns)
        listed = []
        for number, given in enumerate(columns, 1):
            _refuse_string("the feature_columns of a sentence", given)
            for column in (own := list(given)):
                _refuse_string("a feature column", column)
            listed.append([list(column) for column in own])
            for value in chain.from_iterable(listed[-1]):
                if not isinstance(value, str) or not value:
                    raise DataError(
                        f"expected values that are texts, got {value!r}", where=f"sentence {number}"
                    )
        if len(listed) != len(sentences):
            raise DataError(f"expected feature columns for {len(sentences)} sentences, got {len(listed)}")
        for number, (words, found) in enumerate(zip(sentences, listed, strict=True), 1):
            lengths = [len(column) for column in found]
            if lengths != [len(words)] * len(expected):
                raise DataError(
                    f"expected {len(expected)} feature columns of {len(words)} values, got lengths {lengths}",
                    where=f"sentence {number}",
                )
        return listed

    def _tag_words(
        self,
        sentences: Sequence[Sequence[str]],
        feature_columns: Sequence[Sequence[Sequence[str]]] | None = None,
    ) -> list[tuple[list[str], np.ndarray | None]]:
        """Return the model's own tags of sentences, and the probability of each."""
        if not sentences:
            return []
        form = self.settings.unicode_normalization
        sentences = [[normalize(word, form) for word in words] for words in sentences]
        if isinstance(self.model, CountTagger):
            assert isinstance(self.encoder, WordEncoder)
            found = predict_by_counts(self.model, self.encoder, sentences)
            return [([self.labels[tag] for tag in tags], None) for tags in found]
        columns = [()] * len(sentences) if feature_columns is None else feature_columns
        keys = chain.from_iterable(
            zip(s, *own, strict=True) for s, own in zip(sentences, columns, strict=True)
        )
        rows_of: dict[tuple[str, ...], int] = {}
        words = [rows_of.setdefault(key, len(rows_of)) for key in keys]
        bounds = np.concatenate(([0], np.cumsum([len(sentence) for sentence in sentences])))
        table = table_of(self.encoder, rows_of)
        sizes = self.encoder.sizes(table)[words]
        offsets = cut_sentences(bounds, sizes, self.encoder.room(self.settings.max_length))
        encoded = EncodedSentences(
            np.array(words, np.int32), np.zeros(len(words), np.int32), offsets, bounds.astype(np.int64)
        )
        tags_of = np.empty(len(words), np.int64)
        probabilities = np.empty(len(words), np.float64)
        model, size = self.model, self.settings.eval_batch_size
        with batch_results(
            model,
            self.encoder,
            encoded,
            table,
            size,
            lambda features, _: model.decode_with_probabilities(features),
            progress="tagging",
        ) as results:
            for batch, decoded in results:
                for row, length, tags, given in zip(batch.rows, batch.lengths, *decoded, strict=True):
                    place = slice(offsets[row], offsets[row] + length)
                    tags_of[place], probabilities[place] = tags[:length], given[:length]
        names = [self.labels[tag] for tag in tags_of.tolist()]
        return [(names[start:end], probabilities[start:end]) for start, end in pairwise(bounds.tolist())]

    def _result(
        self, text: str, places: list[tuple[int, int]], tags: list[str], probabilities: np.ndarray | None
    ) -> TaggedText:
        shown = to_input_scheme(tags, self.input_scheme)
        given = [None] * len(tags) if probabilities is None else probabilities.tolist()
        words = tuple(
            TaggedWord(text[start:end], start, end, tag, probability)
            for (start, end), tag, probability in zip(places, shown, given, strict=True)
        )
        found = (
            [(i, i + 1, tag) for i, tag in enumerate(tags)] if self.input_scheme is None else find_spans(tags)
        )
        spans = []
        for first, last, label in found:
            start, end = places[first][0], places[last - 1][1]
            probability = None if probabilities is None else float(probabilities[first:last].min())
            spans.append(TaggedSpan(text[start:end], start, end, label, probability))
        return TaggedText(text, words, tuple(spans))

    @with_progress
    def evaluate(
        self, split: str | None = None, *, corpus: str | Path | None = None, progress: bool = False
    ) -> TaggingScores:
        """Return the scores on a split of the run's sentences, or of others.

        Args:
            split: The split; None for "test", or "valid" if the corpus has no "test". Of a file of other
                sentences, None is all of them.
            corpus: Other sentences, named as in the settings; their columns are those of the run's settings.
            progress: Whether to show a progress bar.

        Raises:
            DataError: The corpus is absent or has changed, or has no such split.
        """
        if corpus is None:
            source = open_corpus(self.settings)
            require_same_corpus(
                self.run, source, remedy="restore its files, or name sentences to evaluate on"
            )
        else:
            source = open_corpus(self.settings, str(corpus), whole=split is None)
        encoded = encode(self.settings, source, encoder=self.encoder, labels=self.labels)
        source.require_unchanged()
        split = choose_split(split, encoded.splits, source.name)
        sentences = encoded.splits[split]
        loss = None
        if isinstance(self.model, CountTagger):
            assert isinstance(self.encoder, WordEncoder)
            found = predict_by_counts(self.model, self.encoder, encoded.forms[split])
            predicted = np.array([tag for of_sentence in found for tag in of_sentence])
        else:
            size = self.settings.eval_batch_size
            predicted, loss = predict(self.model, self.encoder, sentences, encoded.table, batch_size=size)
        tags = sentence_tags(predicted, sentences.bounds, self.labels, self.input_scheme)
        # Of the words of another corpus's training split, an encoder of pieces cannot say which it has seen.
        kept = corpus is None or isinstance(self.encoder, WordEncoder)
        known = encoded.known[sentences.words] if kept and encoded.known is not None else None
        spans = self.input_scheme is not None
        return score_tags(split, tags, encoded.gold[split], known, loss, spans=spans)


def _words_of(sentences: Iterable[Iterable[str]]) -> list[list[str]]:
    """Return sentences as lists. Raise UsageError or DataError for what is none, or has no words."""
    _refuse_string("sentences", sentences)
    listed = []
    for number, words in enumerate(sentences, 1):
        _refuse_string("a sentence", words)
        own = list(words)
        for word in own:
            if not isinstance(word, str):
                raise DataError(f"expected words that are texts, got {word!r}", where=f"sentence {number}")
        if not own or not all(own):
            raise DataError("expected a sentence of words, got an empty one", where=f"sentence {number}")
        listed.append(own)
    return listed


def _refuse_string(what: str, given: object) -> None:
    if isinstance(given, str | bytes) or not isinstance(given, Iterable):
        raise UsageError(
            f"expected {what} to be a list, got {given!r:.60}",
            remedy="pass [text.split()] for the words of one sentence",
        )


def parts_of(
    run: RunDirectory, settings: ResolvedSequenceLabelingSettings
) -> tuple[TaggingEncoder, tuple[str, ...]]:
    """Return the encoder of a run's words, and its labels. Raise DamagedFileError if they are damaged."""
    labels = labels_from_bytes(run.artifact(LABELS), str(run.path / LABELS))
    if PIECES in run.config and settings.model not in COUNTS:
        tokenizer = run_tokenizer(run, PIECES)
        unspaced = fill_json(UnspacedWords, run.entry(UNSPACED), _damaged_config(run))
        encoder = PieceEncoder.of(tokenizer, run_vocabulary(run, VOCABULARY), settings.max_length)
        return dataclasses.replace(encoder, unspaced=unspaced), labels
    names = (VOCABULARY, LETTERS, *(features_file(n) for n in range(1, len(settings.columns) + 1)))
    words, letters, *columns = vocabularies = [run_vocabulary(run, name) for name in names]
    for name, vocabulary in zip(names, vocabularies, strict=True):
        if vocabulary.unk_id is None:
            raise DamagedFileError("expected an unknown token, got none", where=str(run.path / name))
    return WordEncoder(words, letters, settings.lowercase, settings.zero_digits, tuple(columns)), labels


def _damaged_config(run: RunDirectory) -> Callable[[str], DamagedFileError]:
    return lambda message: DamagedFileError(message, where=str(run.path / "config.json"))


def load(path: str | Path, *, device: str | None = None) -> TrainedTagger:
    """Load the trained model of a run of `train-tagger`.

    Args:
        path: The run directory.
        device: Where the model computes; None for the default device.

    Raises:
        RunError: The folder is not a run directory, or that of another task.
        DamagedFileError: A file of the run is damaged.
    """
    run = open_run(path, TASK)
    settings = run_settings(run, ResolvedSequenceLabelingSettings)
    encoder, labels = parts_of(run, settings)
    tokenizer = run_tokenizer(run)
    if settings.model in COUNTS:
        require_cpu(device, f"the model {settings.model}")
        assert isinstance(encoder, WordEncoder)
        return TrainedTagger(
            run, settings, _counts_of(run, settings.model, encoder, labels), encoder, labels, tokenizer
        )
    config = saved_config(run.entry("model"), str(run.path / "config.json"))
    require_fitting(config, encoder, labels, str(run.path))
    legal = legal_of(labels, settings.input_scheme, settings.scheme)
    model = load_best_weights(
        run,
        lambda generator: make_model(config, legal, generator),
        device,
        at_least=config.fewest_parameters(),
    )
    return TrainedTagger(run, settings, model, encoder, labels, tokenizer)


def require_fitting(
    config: TaggerConfig | EncoderTaggerConfig, encoder: TaggingEncoder, labels: tuple[str, ...], where: str
) -> None:
    """Raise DamagedFileError unless a model has the sizes of its vocabularies and labels."""
    expected, found = {"tags": config.tags}, {"tags": len(labels)}
    if isinstance(config, EncoderTaggerConfig):
        expected["subwords"] = config.encoder.vocab_size
    else:
        expected |= {"types": config.vocab_size, "letters": config.letters}
        expected |= _column_sizes(config.feature_columns)
    if isinstance(encoder, PieceEncoder):
        found["subwords"] = len(encoder.vocabulary)
    elif isinstance(encoder, WordEncoder):
        found |= {
            "types": len(encoder.words),
            "letters": len(encoder.letters) if expected.get("letters") else 0,
            **_column_sizes(map(len, encoder.feature_columns)),
        }
    if expected != found:
        sizes = (", ".join(f"{size} {name}" for name, size in each.items()) for each in (expected, found))
        raise DamagedFileError("expected {}, got {}".format(*sizes), where=where)


def _column_sizes(sizes: Iterable[int]) -> dict[str, int]:
    return {f"values of feature column {number}": size for number, size in enumerate(sizes, 1)}


def _counts_of(run: RunDirectory, method: str, encoder: WordEncoder, labels: tuple[str, ...]) -> CountTagger:
    """Return the counts of a run. Raise DamagedFileError if they do not fit."""
    try:
        emissions, ngrams = count_arrays(run.load_model())
        spelling = encoder.spelling(encoder.words.tokens)
        return CountTagger(method, len(labels), emissions, ngrams, spelling)
    except UsageError as error:
        raise DamagedFileError(str(error), where=str(run.path / "model.safetensors")) from error
