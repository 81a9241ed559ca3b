"""The tree of exceptions that seqkit raises on purpose.

::

    SeqkitError
    ├── UsageError (ValueError)         an argument or setting that cannot be used
    │   └── ShapeError                  an array of the wrong shape or dtype
    ├── DeviceError                     a device that is not there, or arrays of two devices in one op
    ├── MissingDependencyError          an optional package is not installed; names its pip line
    ├── DataError (ValueError)          text, corpora and vector files that cannot be read as asked
    │   ├── CorpusNotFoundError         no such corpus, or its files are absent
    │   └── UnknownWordError (KeyError)  a word without a vector; names the nearest known spellings
    ├── DownloadError                   a download that failed or did not match its checksum
    ├── RunError                        a run directory that is missing, incomplete or of another task
    │   └── DamagedFileError            a run file whose checksum, size or content is wrong
    ├── DivergenceError                 the loss stopped being finite
    ├── TrainingInterrupted             stopped by a signal after the state was saved
    ├── StoppedElsewhere                another process of the job raised an error, and says so itself
    └── GradientCheckError (AssertionError)  a backward disagrees with finite differences

Each carries *what* happened, *where*, and the *remedy*; ``str(error)`` joins them. The library raises;
only the commands print and exit.
"""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Callable, Collection, Sequence
from numbers import Integral, Real
from typing import Any

_FLAG = re.compile(r"`[^`]*`|(?<![\w-])(--[a-z][a-z-]+)")
"""A flag; those of a whole command, in backticks, are that command's."""


class Remedy(str):
    """The advice against an error, in the words of the library and in those of the command line.

    The string itself is for callers of the library; the commands show ``command``, of which they leave out
    each alternative (", or …") with a flag that the running command does not have.

    Example:
        >>> Remedy('give on_bad_line="skip"', command="add --on-bad-line skip").command
        'add --on-bad-line skip'
    """

    command: str

    def __new__(cls, text: str, *, command: str) -> Remedy:
        """Return the remedy ``text`` for the library, ``command`` for the command line."""
        remedy = super().__new__(cls, text)
        remedy.command = command
        return remedy


class SeqkitError(Exception):
    """Base of all errors: ``str()`` gives "what, where; remedy".

    Args:
        what: The problem: "expected …, got …" where a value was wrong.
        where: File, line or setting.
        remedy: The advice; a :class:`Remedy` where callers of the library do something else than users of the
            commands.
    """

    flags: Collection[str] | None = None
    """The flags of the command that the error ended; None: not known."""

    def __init__(self, what: str, *, where: str | None = None, remedy: str | None = None) -> None:
        self.what, self.where, self.remedy = what, where, remedy
        text = what if where is None else f"{what}, {where}"
        super().__init__(text if remedy is None else f"{text}; {remedy}")

    def for_command(self) -> str:
        """Return the text with the remedy in the words of the command line."""
        if not isinstance(self.remedy, Remedy):
            return str(self)
        text = self.what if self.where is None else f"{self.what}, {self.where}"
        remedy = self.remedy.command
        if self.flags is not None:
            known = {"", *self.flags}
            alternatives = remedy.split(", or ")
            remedy = ", or ".join(each for each in alternatives if known.issuperset(_FLAG.findall(each)))
        return f"{text}; {remedy}" if remedy else text


class UsageError(SeqkitError, ValueError):
    """An argument or setting that cannot be used."""


class ShapeError(UsageError):
    """An array of the wrong shape or dtype; names both."""


class DeviceError(SeqkitError):
    """A device that is not there, or arrays of two devices in one operation."""


class MissingDependencyError(SeqkitError):
    """An optional package is not installed; the remedy is its pip line."""


class DataError(SeqkitError, ValueError):
    """Input that cannot be read as asked; names the file and, where it applies, line and byte."""


class CorpusNotFoundError(DataError):
    """No such corpus, or its files are absent; names the folder and the files looked for."""


class UnknownWordError(DataError, KeyError):
    """A word without a vector. ``suggestions`` are known words of a similar spelling, the nearest first.

    They are searched when the error is read, not when it is raised, so that ``except KeyError`` stays cheap.
    """

    def __init__(self, word: object, suggest: Callable[[], Sequence[str]] | None = None) -> None:
        self.word, self._suggest = word, suggest
        super().__init__(f"no vector for {word!r}")

    @functools.cached_property
    def suggestions(self) -> list[str]:
        """Known words of a similar spelling, the nearest first; often none."""
        return list(self._suggest()) if self._suggest else []

    def __str__(self) -> str:
        if not self.suggestions:
            return self.what
        return f"{self.what}; did you mean {' or '.join(map(repr, self.suggestions))}?"


class DownloadError(SeqkitError):
    """A download that failed, was cut, or did not match its checksum."""


class RunError(SeqkitError):
    """A run directory that is missing, incomplete, or of another task."""


class DamagedFileError(RunError):
    """A run file whose checksum, size or content is wrong; names the file."""


class DivergenceError(SeqkitError):
    """The loss stopped being finite; the last good checkpoint is kept."""


class TrainingInterrupted(SeqkitError):
    """Training stopped by a signal, ``signum``, after its state was saved."""

    def __init__(
        self, what: str, *, signum: int, where: str | None = None, remedy: str | None = None
    ) -> None:
        self.signum = signum
        super().__init__(what, where=where, remedy=remedy)


class StoppedElsewhere(SeqkitError):
    """Another process of the job (``mpiexec``) raised an error, which it says itself."""


class GradientCheckError(SeqkitError, AssertionError):
    """A backward that disagrees with finite differences; gives both numbers."""


def require_choice(name: str, value: object, choices: Collection[object]) -> None:
    """Raise UsageError unless the value of the argument or setting ``name`` is one of ``choices``."""
    if value not in choices:
        raise UsageError(f"expected {name} to be one of {', '.join(map(str, choices))}, got {value!r}")


def require_sizes(config: object, *names: str) -> None:
    """Raise UsageError unless these fields of a config are whole numbers of at least 1, or None."""
    for name in names:
        value: Any = getattr(config, name)
        is_whole = isinstance(value, Integral) and value is not True
        if value is not None and not (is_whole and value >= 1):
            whole = "" if is_whole else "a whole number of "
            raise UsageError(f"expected {name} to be {whole}at least 1, got {value!r}")


def require_number(
    name: str, value: Any, *, least: float = -math.inf, most: float = math.inf, below: float = math.inf
) -> None:
    """Raise UsageError unless ``value`` is a finite number from ``least`` to ``most`` and below ``below``."""
    is_number = isinstance(value, Real)
    if not (is_number and math.isfinite(value) and least <= value <= most and value < below):
        limits = [f"at least {least}"] * (least > -math.inf)
        limits += [f"at most {most}"] * (most < math.inf) + [f"below {below}"] * (below < math.inf)
        raise UsageError(f"expected {name} to be {' and '.join(limits) or 'a finite number'}, got {value}")
