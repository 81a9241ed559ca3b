"""Words of Chinese, Japanese and Thai, which have no blanks between them, cut by installed libraries.

To add a segmenter, subclass :class:`SegmentingTokenizer` and add it to ``TOKENIZERS`` (``tokenizers.py``).
"""

from __future__ import annotations

import importlib
import importlib.metadata
import re
import threading
import warnings
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

from seqkit.errors import MissingDependencyError
from seqkit.text.scripts import HAN, KANA, THAI
from seqkit.text.word_tokenizers import WordTokenizer

Cut = Callable[[str], list[str]]
"""Returns the words of a text of one script, which together are the text."""
_LONGEST = 4096
"""Characters that a segmenter is given at once; a clause has some tens."""


class SegmentingTokenizer(WordTokenizer):
    """Words cut by a library where a script has no blanks, and by :class:`WordTokenizer`'s rules elsewhere.

    Threads may share it.

    Args:
        lowercase: Whether to convert the text to lower case.
        normalization: The Unicode normalization form of the tokens: nfc, nfkc or none.

    Raises:
        MissingDependencyError: The library is not installed.
    """

    language: ClassVar[str]
    letters: ClassVar[str]
    """The characters that it cuts, as in a regular expression's set."""
    packages: ClassVar[tuple[str, ...]]
    """The packages of the library and its dictionary."""

    def __init__(self, *, lowercase: bool = False, normalization: str = "nfc") -> None:
        super().__init__(lowercase=lowercase, normalization=normalization)
        self.versions = self._versions()
        self._run = re.compile(
            f"[{self.letters}][{self.letters}\u0300-\u036f\ufe00-\ufe0f\U000e0100-\U000e01ef]*"
        )
        self._cut: Cut | None = None
        self._lock = threading.Lock()  # the libraries are not made for several threads

    @classmethod
    def _versions(cls) -> str:
        try:
            return ", ".join(f"{name} {importlib.metadata.version(name)}" for name in cls.packages)
        except importlib.metadata.PackageNotFoundError as error:
            raise MissingDependencyError(
                f"the tokenizer {cls.name} needs {' and '.join(cls.packages)}; {error.name} is not installed",
                remedy="pip install 'seqkit[cjk]'",
            ) from None

    @classmethod
    def is_installed(cls) -> bool:
        """Return whether the library and its dictionary are installed."""
        try:
            cls._versions()
        except MissingDependencyError:
            return False
        return True

    def config(self) -> dict[str, Any]:
        """Return the configuration, with the versions of the library and its dictionary."""
        return super().config() | {"segmenter": self.versions}

    def _load(self) -> Cut:
        """Import the library and return its function."""
        raise NotImplementedError

    def _words(self, text: str) -> list[str]:
        with self._lock:
            if self._cut is None:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")  # of the libraries' own imports
                    self._cut = self._load()
            words: list[str] = []
            for start in range(0, len(text), _LONGEST):
                words += self._cut(text[start : start + _LONGEST])
        return [word for word in words if word]

    def _tokens(self, text: str) -> list[str]:
        tokens: list[str] = []
        end = 0
        for run in self._run.finditer(text):
            tokens += super()._tokens(text[end : run.start()])
            tokens += self._words(run.group())
            end = run.end()
        return tokens + super()._tokens(text[end:])

    def _spans(self, text: str) -> list[tuple[int, int]]:
        spans: list[tuple[int, int]] = []
        end = 0
        for run in self._run.finditer(text):
            spans += _shifted(super()._spans(text[end : run.start()]), end)
            end = run.start()
            for word in self._words(run.group()):
                spans.append((end, end + len(word)))
                end += len(word)
        spans += _shifted(super()._spans(text[end:]), end)
        return spans


def _shifted(spans: list[tuple[int, int]], by: int) -> Iterator[tuple[int, int]]:
    return ((start + by, end + by) for start, end in spans)


class JiebaTokenizer(SegmentingTokenizer):
    """Chinese words by jieba: a dictionary's most probable path, and a hidden Markov model of unknown words.

    Threads may share it.
    """

    name = "jieba"
    language = "Chinese"
    letters = HAN
    packages = ("jieba",)

    def _load(self) -> Cut:
        jieba: Any = importlib.import_module("jieba")
        tokenizer = jieba.Tokenizer()
        # read here, and not by its initialize(), which keeps a copy in /tmp that anybody can write, and talks
        tokenizer.FREQ, tokenizer.total = tokenizer.gen_pfdict(tokenizer.get_dict_file())
        tokenizer.initialized = True
        cut: Cut = tokenizer.lcut
        return cut


class SudachiTokenizer(SegmentingTokenizer):
    """Japanese words by Sudachi, in its short units (mode A).

    Threads may share it.
    """

    name = "sudachi"
    language = "Japanese"
    letters = HAN + KANA
    packages = ("sudachipy", "sudachidict_core")

    def _load(self) -> Cut:
        sudachi: Any = importlib.import_module("sudachipy")
        tokenizer, mode = sudachi.Dictionary(dict="core").create(), sudachi.SplitMode.A
        return lambda text: [word.surface() for word in tokenizer.tokenize(text, mode)]


class FugashiTokenizer(SegmentingTokenizer):
    """Japanese words by MeCab and the dictionary UniDic, through fugashi.

    Threads may share it.
    """

    name = "fugashi"
    language = "Japanese"
    letters = HAN + KANA
    packages = ("fugashi", "unidic_lite")

    def _load(self) -> Cut:
        tagger: Any = importlib.import_module("fugashi").Tagger()
        return lambda text: [word.surface for word in tagger(text)]


class PyThaiNlpTokenizer(SegmentingTokenizer):
    """Thai words by PyThaiNLP: the longest words of its dictionary (newmm).

    Threads may share it.
    """

    name = "pythainlp"
    language = "Thai"
    letters = THAI
    packages = ("pythainlp",)

    def _load(self) -> Cut:
        tokenize: Any = importlib.import_module("pythainlp.tokenize").word_tokenize
        return lambda text: list(tokenize(text, engine="newmm"))


SEGMENTERS: tuple[type[SegmentingTokenizer], ...] = (
    JiebaTokenizer,
    SudachiTokenizer,
    FugashiTokenizer,
    PyThaiNlpTokenizer,
)
"""The segmenters; of several for one language the first that is installed is taken."""
