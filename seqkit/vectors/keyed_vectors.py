"""``KeyedVectors``: word vectors to query, evaluate, save and load, name for name as in gensim."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import DTypeLike

from seqkit.errors import UsageError
from seqkit.vectors.keys import require_list
from seqkit.vectors.similarity import SimilarityTable

if TYPE_CHECKING:
    from typing import Self

    from seqkit.metrics import Correlation

_log = logging.getLogger("seqkit")
_PathLike = str | os.PathLike[str]


SEP_LIMIT = 10 * 1024**2
"""gensim's default of ``sep_limit``."""
OMITTED = {
    "wmdistance": "it needs the POT library, with which it takes a dozen lines",
    "similarity_unseen_docs": "it raises NotImplementedError in gensim",
    "add_lifecycle_event": "it is a log inside gensim's pickles",
    "lifecycle_events": "it is a log inside gensim's pickles",
    "vocab": "gensim 4 has key_to_index and get_vecattr(key, 'count')",
    "index2word": "gensim 4 has index_to_key",
    "index2entity": "gensim 4 has index_to_key",
    "vectors_norm": "gensim 4 has get_normed_vectors()",
}
"""Names of gensim's that are not here, with the reason."""


def refuse_pickling(separately: object, sep_limit: object, ignore: object, pickle_protocol: object) -> None:
    """Raise UsageError for gensim's settings of pickling, unless they have their default."""
    given = {
        "separately": separately is not None,
        "sep_limit": sep_limit != SEP_LIMIT,
        "ignore": ignore != frozenset(),
        "pickle_protocol": pickle_protocol != 4,
    }
    for name, differs in given.items():
        if differs:
            raise UsageError(
                f"{name} has no effect here: the native format is a single file and no pickle",
                remedy="leave it out",
            )


class KeyedVectors(SimilarityTable):
    """Keys and their vectors, (N, D).

    Threads may share it to read, not while another changes it.

    The public names, arguments, defaults and results are those of gensim 4.4; docs/keyed-vectors.md lists
    the differences.

    Args:
        vector_size: D.
        count: Places to make ahead, for :meth:`add_vector`.
        dtype: The type of the vectors.

    Example:
        >>> from seqkit.vectors import KeyedVectors
        >>> vectors = KeyedVectors(2)
        >>> vectors.add_vectors(["east", "west", "north"], [[1, 0], [-1, 0], [0, 1]])
        >>> float(vectors.similarity("east", "west"))
        -1.0
    """

    def __getattr__(self, name: str) -> Any:
        """Say why a name of gensim's is not here."""
        reason = OMITTED.get(name)
        text = f"{type(self).__name__!r} object has no attribute {name!r}"
        raise AttributeError(text if reason is None else f"{text}: {reason}")

    def vectors_for_all(
        self, keys: Iterable[Any], allow_inference: bool = True, copy_vecattrs: bool = False
    ) -> KeyedVectors:
        """Return a new table of those of ``keys`` that have a vector here, each once, in their order.

        Args:
            keys: The keys wanted.
            allow_inference: Whether to take those, too, for which a vector is only computed (subwords).
            copy_vecattrs: Whether to copy the attributes.
        """
        require_list(keys)
        distinct = dict.fromkeys(keys)
        chosen = [key for key in distinct if (key in self if allow_inference else key in self.key_to_index)]
        result = KeyedVectors(self.vector_size, len(chosen), self._vectors.dtype)
        for key in chosen:
            result.add_vector(key, self[key])
        result.set_descending_counts()
        if copy_vecattrs:
            for name, array in self.expandos.items():
                for key in chosen:
                    if self.has_index_for(key):
                        result.set_vecattr(key, name, array[self.get_index(key)])
        return result

    def set_descending_counts(self) -> None:
        """Give the keys the counts N … 1, as gensim does for vectors of unknown counts."""
        from seqkit.vectors.formats.content import descending_counts

        self.expandos["count"] = descending_counts(len(self), len(self))

    # evaluation

    def evaluate_word_analogies(
        self,
        analogies: _PathLike,
        restrict_vocab: int | None = 300000,
        case_insensitive: bool = True,
        dummy4unknown: bool = False,
        similarity_function: str = "most_similar",
    ) -> tuple[float, list[dict[str, Any]]]:
        """Return the fraction of questions "a is to b as c is to …" answered right, and the sections.

        See :func:`seqkit.vectors.evaluation.evaluate_analogies`.
        """
        from seqkit.vectors import evaluation

        return evaluation.evaluate_analogies(
            self,
            analogies,
            restrict_vocab=restrict_vocab,
            case_insensitive=case_insensitive,
            dummy4unknown=dummy4unknown,
            similarity_function=similarity_function,
        )

    def evaluate_word_pairs(
        self,
        pairs: _PathLike,
        delimiter: str = "\t",
        encoding: str = "utf8",
        restrict_vocab: int | None = 300000,
        case_insensitive: bool = True,
        dummy4unknown: bool = False,
    ) -> tuple[Correlation, Correlation, float]:
        """Return (Pearson, Spearman, percentage of pairs left out) against human judgements.

        See :func:`seqkit.vectors.evaluation.evaluate_pairs`.
        """
        from seqkit.vectors import evaluation

        return evaluation.evaluate_pairs(
            self,
            pairs,
            delimiter=delimiter,
            encoding=encoding,
            restrict_vocab=restrict_vocab,
            case_insensitive=case_insensitive,
            dummy4unknown=dummy4unknown,
        )

    @staticmethod
    def log_accuracy(section: dict[str, Any]) -> None:
        """Log the accuracy of a section of :meth:`evaluate_word_analogies`."""
        from seqkit.vectors import evaluation

        evaluation.log_section(section)

    @staticmethod
    def log_evaluate_word_pairs(
        pearson: Correlation, spearman: Correlation, oov: float, pairs: _PathLike
    ) -> None:
        """Log the result of :meth:`evaluate_word_pairs`."""
        _log.info(
            "Pearson %.4f, Spearman %.4f against %s, %.1f%% left out", pearson[0], spearman[0], pairs, oov
        )

    # files

    def save(
        self,
        fname: _PathLike,
        separately: object = None,
        sep_limit: int = SEP_LIMIT,
        ignore: object = frozenset(),
        pickle_protocol: int = 4,
    ) -> None:
        """Write the native format, which :meth:`load` maps into memory at once. Keys must be strings.

        Args:
            fname: The file.
            separately: Refused unless it has its default, as are the next: they are settings of pickling.
            sep_limit: Likewise.
            ignore: Likewise.
            pickle_protocol: Likewise.
        """
        from seqkit.vectors.formats import save_vectors

        refuse_pickling(separately, sep_limit, ignore, pickle_protocol)
        save_vectors(self, fname, "native")

    @classmethod
    def load(cls, fname: _PathLike, mmap: str | None = None) -> KeyedVectors:
        """Open a file of :meth:`save`, or of any other format, which its content tells.

        Args:
            fname: The file.
            mmap: "r" makes the vectors read-only; None or "c" lets this process change its own copy. Native
                files open at once in any case.

        Raises:
            DataError: The file cannot be read; for one that gensim pickled, with the lines that export it.
        """
        from seqkit.vectors.formats import load_vectors

        if mmap not in (None, "r", "c"):
            raise UsageError(f'expected mmap "r", "c" or None, got {mmap!r}')
        return load_vectors(fname, writable=mmap != "r")

    def save_word2vec_format(
        self,
        fname: _PathLike,
        fvocab: _PathLike | None = None,
        binary: bool = False,
        total_vec: int | None = None,
        write_header: bool = True,
        prefix: str = "",
        append: bool = False,
        sort_attr: str = "count",
    ) -> None:
        """Write word2vec's text or binary format, by descending ``sort_attr`` where there is one.

        See :func:`seqkit.vectors.formats.word2vec.save`.
        """
        from seqkit.vectors.formats import word2vec

        word2vec.save(
            self,
            fname,
            fvocab=fvocab,
            binary=binary,
            total_vec=total_vec,
            write_header=write_header,
            prefix=prefix,
            append=append,
            sort_attr=sort_attr,
        )

    @classmethod
    def load_word2vec_format(
        cls,
        fname: _PathLike,
        fvocab: _PathLike | None = None,
        binary: bool = False,
        encoding: str = "utf8",
        unicode_errors: str = "strict",
        limit: int | None = None,
        datatype: DTypeLike = np.float32,
        no_header: bool = False,
    ) -> Self:
        """Read word2vec's text or binary format; of a repeated word the first counts, with a warning.

        See :func:`seqkit.vectors.formats.word2vec.load`.

        Raises:
            DataError: A ValueError, with the byte where the file is damaged.
        """
        from seqkit.vectors.formats import word2vec

        content = word2vec.load(
            fname,
            fvocab=fvocab,
            binary=binary,
            encoding=encoding,
            unicode_errors=unicode_errors,
            limit=limit,
            datatype=datatype,
            no_header=no_header,
        )
        return cls._of(content)

    def intersect_word2vec_format(
        self,
        fname: _PathLike,
        lockf: float = 0.0,
        binary: bool = False,
        encoding: str = "utf8",
        unicode_errors: str = "strict",
    ) -> None:
        """Take over the vectors of a word2vec file for the keys that are here; no key is added.

        Args:
            fname: The file.
            lockf: Written to ``vectors_lockf`` at these keys: the factor of their updates in
                ``Word2Vec.train``; 0 holds them still.
            binary: Whether the file is of the binary format.
            encoding: The encoding of its words.
            unicode_errors: For bytes that are not of the encoding: "strict", "ignore" or "replace".
        """
        other = KeyedVectors.load_word2vec_format(
            fname, binary=binary, encoding=encoding, unicode_errors=unicode_errors
        )
        if other.vector_size != self.vector_size:
            raise UsageError(
                f"expected vectors of {self.vector_size} dimensions, got {other.vector_size} in {fname}"
            )
        pairs = [
            (self.key_to_index[k], i) for i, k in enumerate(other.index_to_key) if k in self.key_to_index
        ]
        mine, theirs = np.array(pairs, np.int64).reshape(-1, 2).T
        self.vectors[mine] = other.vectors[theirs]
        locks = self.lock_factors()
        self.vectors_lockf = np.ones(len(self), np.float32) if locks is None else locks.copy()
        self.vectors_lockf[mine] = lockf
        self.norms = None
