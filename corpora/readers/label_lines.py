"""Labelled texts whose lines have no tab: fastText's ``__label__x a text``, and ``label a text``."""

from __future__ import annotations

import re
from collections import Counter
from itertools import islice
from pathlib import Path

from seqkit.corpora.readers.delimited import LineTable, Rows
from seqkit.corpora.readers.lines import BadLine, numbered_lines
from seqkit.corpora.readers.roles import Columns, open_table
from seqkit.corpora.readers.rows import SAMPLE_ROWS, Table, format_by_name
from seqkit.files.text_content import refuse_other_formats

_PREFIX = "__label__"
_LABEL = re.compile(r"(?![A-Z][a-z]+\Z)[\w:.+-]+", re.ASCII)
"""A label before a blank: no capitalised word as at the beginning of a sentence, no comma."""
_LEAST_LINES = 5


class FastTextLines(LineTable):
    """Lines of fastText: a label that begins with ``__label__``, a blank, and a text."""

    form = "lines of fastText"
    reading = (form,)

    def rows(self) -> Rows:
        """Iterate over the lines as label and text."""
        for number, line in numbered_lines(self.path):
            if isinstance(line, BadLine):
                yield number, line
                continue
            words = line.split()
            labels = [word for word in words if word.startswith(_PREFIX)]
            if len(labels) == 1 and words[0] == labels[0]:
                yield number, [labels[0].removeprefix(_PREFIX), line.strip()[len(labels[0]) :]]
                continue
            several = f"several labels in one line ({', '.join(labels[:3])}): a text has one class here"
            reason = several if len(labels) > 1 else f"no {_PREFIX} at the beginning"
            yield number, BadLine(reason, self.place(number), f"write one {_PREFIX}NAME, a blank and a text")


class BlankLines(LineTable):
    """Lines of a label, a blank and a text."""

    form = "lines of a label, a blank and a text"
    reading = (form,)


def open_labelled_table(path: Path, columns: Columns, like: Table | None = None) -> Table:
    """Open a table of labels and texts, by tabs or in one of the forms of this module.

    Lines are of such a form if every one of the first ones is, or if those of the table ``like`` are.
    """
    plain = columns.given is None and format_by_name(path) in (None, "tsv")
    if plain:
        refuse_other_formats(path, columns=2)
        lines = [line for _, line in islice(numbered_lines(path), SAMPLE_ROWS) if isinstance(line, str)]
        begin = bool(lines) and all(line.lstrip().startswith(_PREFIX) for line in lines)
        if begin if like is None else isinstance(like, FastTextLines):
            return FastTextLines(path, header=False)
        if _have_labels(lines) if like is None else isinstance(like, BlankLines):
            return BlankLines(
                path, header=False, split=lambda line: line.split(maxsplit=1), separator="blank"
            )
    return open_table(path, columns)


def _have_labels(lines: list[str]) -> bool:
    """Whether each of some lines is a label, a blank and a text, and none has a tab.

    There are fewer labels than a third of the lines, few are seen once, and none is a capitalised word.
    """
    if len(lines) < _LEAST_LINES or any("\t" in line for line in lines):
        return False
    cut = [line.split(maxsplit=1) for line in lines]
    if not all(len(cells) == 2 and _LABEL.fullmatch(cells[0]) for cells in cut):
        return False
    counts = Counter(label for label, _ in cut)
    once = list(counts.values()).count(1)
    return 2 <= len(counts) <= max(2, len(lines) // 3) and once <= len(lines) // 20
