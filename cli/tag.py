"""seqkit tag."""

from __future__ import annotations

import itertools
import os
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from seqkit.cli.common import (
    device_option,
    escape,
    input_column_option,
    is_terminal,
    json_option,
    threads_option,
    warn,
)
from seqkit.cli.parameter_types import RUN
from seqkit.cli.progress import quiet_option

if TYPE_CHECKING:
    from seqkit.cli.lines import Line
    from seqkit.corpora import TaggedSentence
    from seqkit.corpora.readers.lines import BadLine
    from seqkit.tasks.sequence_labeling.settings import ResolvedSequenceLabelingSettings
    from seqkit.tasks.sequence_labeling.trained import TaggedText, TrainedTagger

_COLOURS = ("cyan", "green", "yellow", "magenta", "blue", "red")


@click.command("tag")
@click.argument("run", type=RUN)
@click.argument("texts", nargs=-1, metavar="[TEXT...|FILE...]")
@click.option(
    "--format",
    "layout",
    type=click.Choice(["spans", "columns"]),
    default="spans",
    show_default=True,
    help="spans: the text with its spans in brackets. columns: a word, a tab and its tag on each line, and a "
    "blank line after each text.",
)
@click.option("--pretokenized", is_flag=True, help="The texts are words with blanks between them.")
@click.option(
    "--columns",
    "in_columns",
    is_flag=True,
    help="The FILEs have columns as those of the training, with or without tags, and blank lines between "
    "sentences. Needed for a tagger with --feature-columns.",
)
@click.option("--probabilities", is_flag=True, help="Add the probability of each span or tag.")
@input_column_option
@device_option
@threads_option
@quiet_option
@json_option
def command(
    run: str,
    texts: tuple[str, ...],
    layout: str,
    pretokenized: bool,
    in_columns: bool,
    probabilities: bool,
    text_column: int | str | None,
    device: str | None,
    as_json: bool,
) -> int:
    """Tag TEXTs, or each line of FILEs or of standard input, with the tagger in RUN.

    An argument that is the name of a file is a FILE. Each text is one sentence. On a terminal, spans are
    coloured by their label (not with NO_COLOR). An empty line is answered by an empty line.
    """
    from seqkit.cli.lines import answer_lines, count_lines
    from seqkit.errors import UsageError
    from seqkit.tasks.sequence_labeling import load

    if in_columns and (pretokenized or text_column is not None):
        other = "--pretokenized" if pretokenized else "--text-column"
        raise UsageError(f"{other} has no effect with --columns", remedy=f"leave out {other}")
    if not in_columns:
        lines = _lines(texts, text_column)
        tagger = load(run, device=device)
    else:
        tagger = load(run, device=device)
        lines = _sentences(texts, tagger.settings)
    spans = tagger.input_scheme is not None
    coloured = (
        layout == "spans" and is_terminal(sys.stdout) and not os.environ.get("NO_COLOR") and not as_json
    )
    labels = sorted({label.partition("-")[2] for label in tagger.labels})

    values = _Values(tagger)

    def answer(batch: list[Any]) -> list[TaggedText]:
        if not in_columns:
            return tagger.tag(batch, pretokenized=pretokenized)
        features = [sentence.feature_columns for sentence in batch] if tagger.settings.columns else None
        values.count(features or ())
        return tagger.tag_sentences([sentence.words for sentence in batch], features)

    def to_text(text: str, result: TaggedText) -> str:
        if layout == "columns":
            return _columns(result, probabilities)
        return (
            _bracketed(result, probabilities, labels if coloured else None)
            if spans
            else _slashed(result, probabilities)
        )

    code = answer_lines(
        lines,
        answer,
        to_text,
        _to_dict,
        key="text",
        as_json=as_json,
        styled=coloured and spans,
        total=None if in_columns else count_lines(*(texts or (None,))),
    )
    values.report()
    return code


class _Values:
    """The values of feature columns that a tagger does not know, reported when they are more than half."""

    def __init__(self, tagger: TrainedTagger) -> None:
        self.names = tagger.settings.columns
        self.known = getattr(tagger.encoder, "feature_columns", ())
        self.values, self.unknown = Counter[str](), Counter[str]()

    def count(self, sentences: Iterable[Sequence[Sequence[str]]]) -> None:
        for columns in sentences:
            for name, known, column in zip(self.names, self.known, columns, strict=True):
                self.values[name] += len(column)
                self.unknown[name] += sum(value not in known for value in column)

    def report(self) -> None:
        for name, unknown in self.unknown.items():
            if 2 * unknown > self.values[name]:
                warn(
                    f"warning: the tagger does not know {unknown:,} of {self.values[name]:,} values in "
                    f"column {name}: is it the column that it was trained with?"
                )


def _sentences(files: tuple[str, ...], settings: ResolvedSequenceLabelingSettings) -> Iterator[list[Line]]:
    """Return batches of the sentences of files of columns, or of standard input, as they arrive."""
    from seqkit.cli.lines import input_lines
    from seqkit.corpora.readers.columns import SentenceReader, is_conllu
    from seqkit.errors import DataError
    from seqkit.tasks.sequence_labeling.data import untagged_columns

    columns = untagged_columns(settings)
    for file in files:
        if file != "-" and not Path(file).exists():
            raise DataError(f"no file {file}", remedy="--columns takes files, not texts; give its name")
    for source in files or (None,):
        conllu = source is not None and is_conllu(Path(source))
        reader = SentenceReader(columns, source or "standard input", conllu=conllu)
        numbers = itertools.count(1)
        for batch in input_lines(source, tables=False):
            rows = [row for line in batch for row in reader.read(next(numbers), _readable(line))]
            yield [_sentence_line(*row) for row in rows]
        yield [_sentence_line(*row) for row in reader.end()]


def _readable(line: Line) -> str | BadLine:
    from seqkit.corpora.readers.lines import BadLine

    if line.error is None:
        return line.text
    return BadLine(line.error.what, line.error.where or line.where, line.error.remedy or "correct it")


def _sentence_line(number: int, sentence: TaggedSentence | BadLine) -> Line:
    from seqkit.cli.lines import Line
    from seqkit.corpora.readers.lines import BadLine
    from seqkit.errors import DataError

    if isinstance(sentence, BadLine):
        error = DataError(sentence.reason, where=sentence.place, remedy=sentence.remedy)
        return Line("", sentence.place, error)
    return Line(" ".join(sentence.words), sentence.place(0), content=sentence)


def _lines(texts: tuple[str, ...], text_column: int | str | None) -> Iterator[list[Line]]:
    from seqkit.cli.lines import argument_lines, input_lines
    from seqkit.corpora.readers.columns import COLUMN_SUFFIXES
    from seqkit.errors import DataError

    if not texts:
        return input_lines(None, text_column)
    parts = []
    for text in texts:
        if Path(text).suffix in (*COLUMN_SUFFIXES, ".gz") and text.split() == [text] and not _is_file(text):
            raise DataError(
                f"no file {text}", remedy="check its name; a text that looks so comes from standard input"
            )
    for is_file, group in itertools.groupby(texts, key=_is_file):
        if is_file:
            parts += [input_lines(file, text_column) for file in group]
        else:
            parts.append(argument_lines(tuple(group)))
    return itertools.chain.from_iterable(parts)


def _is_file(text: str) -> bool:
    try:
        return text == "-" or Path(text).is_file()
    except (OSError, ValueError):  # too long for a name, a zero byte
        return False


def _columns(result: TaggedText, probabilities: bool) -> str:
    rows = (
        f"{word.text}\t{word.tag}" + _suffix("\t", word.probability, probabilities) for word in result.words
    )
    return "".join(f"{row}\n" for row in rows)


def _suffix(before: str, probability: float | None, shown: bool) -> str:
    return f"{before}{probability:.4f}" if shown and probability is not None else ""


def _slashed(result: TaggedText, probabilities: bool) -> str:
    """Return each word with its tag, in the notation of the Brown corpus."""
    return " ".join(
        f"{word.text}/{word.tag}" + _suffix("/", word.probability, probabilities) for word in result.words
    )


def _bracketed(result: TaggedText, probabilities: bool, labels: list[str] | None) -> str:
    """Return the text as it stands with brackets around its spans, in colours for the ``labels`` if given."""
    parts, place = [], 0

    def plain(text: str) -> str:
        return text if labels is None else escape(text)

    for span in result.spans:
        suffix = _suffix(" ", span.probability, probabilities)
        shown = plain(f"[{span.label}{suffix} {span.text}]")
        if labels is not None:
            shown = click.style(shown, fg=_COLOURS[labels.index(span.label) % len(_COLOURS)])
        parts += [plain(result.text[place : span.start]), shown]
        place = span.end
    return "".join([*parts, plain(result.text[place:])])


def _to_dict(text: str, result: TaggedText) -> dict[str, Any]:
    return {
        "text": text,
        "spans": [vars(span) for span in result.spans],
        "words": [vars(word) for word in result.words],
    }
