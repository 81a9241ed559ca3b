"""Every argument of the methods of gensim's KeyedVectors acts, or is refused with the reason."""

from __future__ import annotations

import inspect
import re
import warnings
from collections.abc import Callable
from importlib.util import find_spec
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seqkit.errors import UsageError
from seqkit.vectors import KeyedVectors, Word2Vec
from seqkit.vectors.keyed_vectors import OMITTED, SEP_LIMIT

DOCS = Path(__file__).parents[2] / "docs" / "keyed-vectors.md"
QUERY: dict[str, Any] = {"topn": 10, "restrict_vocab": None}
SCORES: dict[str, Any] = {"restrict_vocab": 300000, "case_insensitive": True, "dummy4unknown": False}
FILE: dict[str, Any] = {"binary": False, "encoding": "utf8", "unicode_errors": "strict"}
GENSIM: dict[str, dict[str, Any]] = {
    "__init__": {"count": 0, "dtype": np.float32},
    "add_vectors": {"extras": None, "replace": False},
    "allocate_vecattrs": {"attrs": None, "types": None},
    "distances": {"other_words": ()},
    "evaluate_word_analogies": {**SCORES, "similarity_function": "most_similar"},
    "evaluate_word_pairs": {"delimiter": "\t", "encoding": "utf8", **SCORES},
    "fill_norms": {"force": False},
    "get_index": {"default": None},
    "get_mean_vector": {
        "weights": None, "pre_normalize": True, "post_normalize": False, "ignore_missing": True,
    },
    "get_vector": {"norm": False},
    "init_sims": {"replace": False},
    "intersect_word2vec_format": {"lockf": 0.0, **FILE},
    "load": {"mmap": None},
    "load_word2vec_format": {
        "fvocab": None, **FILE, "limit": None, "datatype": np.float32, "no_header": False,
    },
    "most_similar": {
        "positive": None, "negative": None, "topn": 10, "clip_start": 0, "clip_end": None,
        "restrict_vocab": None, "indexer": None,
    },
    "most_similar_cosmul": {"positive": None, "negative": None, **QUERY},
    "rank_by_centrality": {"use_norm": True},
    "relative_cosine_similarity": {"topn": 10},
    "resize_vectors": {"seed": 0},
    "save": {"separately": None, "sep_limit": SEP_LIMIT, "ignore": frozenset(), "pickle_protocol": 4},
    "save_word2vec_format": {
        "fvocab": None, "binary": False, "total_vec": None, "write_header": True, "prefix": "",
        "append": False, "sort_attr": "count",
    },
    "similar_by_key": QUERY, "similar_by_vector": QUERY, "similar_by_word": QUERY,
    "vectors_for_all": {"allow_inference": True, "copy_vecattrs": False},
    "word_vec": {"norm": False},
}  # fmt: skip
"""The arguments of gensim 4.4 that have a default."""


def with_defaults(cls: type, name: str) -> dict[str, Any]:
    parameters = inspect.signature(getattr(cls, name)).parameters.values()
    return {p.name: p.default for p in parameters if p.default is not inspect.Parameter.empty}


@pytest.mark.parametrize("name", GENSIM)
def test_arguments_and_defaults(name: str) -> None:
    assert with_defaults(KeyedVectors, name) == GENSIM[name]


@pytest.mark.skipif(find_spec("gensim") is None, reason="gensim is not installed: its arguments are from 4.4")
def test_the_list_is_gensims() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from gensim.models import KeyedVectors as Theirs
        from gensim.utils import SaveLoad
    theirs: dict[str, dict[str, Any]] = {}
    for name, member in inspect.getmembers(Theirs, callable):
        if name in OMITTED or (name.startswith("_") and name != "__init__"):
            continue
        found = with_defaults(SaveLoad if name == "save" else Theirs, name)
        found.pop("mapfile_path", None)
        if found and member:
            theirs[name] = found
    theirs["word_vec"] = {"norm": False}  # *args in gensim
    theirs["init_sims"] = {"replace": False}
    assert theirs == GENSIM


class Workplace:
    """Six vectors with counts, the files that methods read, and a folder to write to."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.kv = KeyedVectors(2)
        self.kv.add_vectors(["a", "b", "c", "D", "e", "é"], [[1, 0], [3, 1], [1, 1], [1, 2], [0, 1], [2, 9]])
        for place, key in enumerate(self.kv.index_to_key):
            self.kv.set_vecattr(key, "count", 9 - place)
            self.kv.set_vecattr(key, "size", place)
        (folder / "vectors").write_text("2 2\na 0.5 4\nnew 1 1\n")
        (folder / "binary").write_bytes(b"1 2\na \0\0\x80\x3f\0\0\x80\x40")
        (folder / "glove").write_text("7 2 3\n8 2 4\n")
        (folder / "latin1").write_bytes(b"1 2\n\xe9 0.5 4\n")
        (folder / "counts").write_text("a 77\nnew 78\n")
        questions = [*map(" ".join, permutations(["a", "b", "c", "D", "e", "é"], 4)), "none a b c", "a b c d"]
        (folder / "questions").write_text("\n".join([": s", *questions]), encoding="utf8")
        (folder / "pairs").write_text("a\tb\t1\nd\tc\t3\nnone\ta\t2\né\ta\t4\ne\tb\t9\n", encoding="utf8")
        (folder / "semicolons").write_text("a|b|1\nc|a|3\nb|c|2\n")
        self.kv.save(folder / "native.kv")

    def state(self, result: Any) -> str:
        """All that a call returned, changed and wrote."""
        kv = result if isinstance(result, KeyedVectors) else self.kv
        files = {p.name: p.read_bytes() for p in sorted(self.folder.iterdir()) if p.name.startswith("out")}
        shown = "" if isinstance(result, KeyedVectors) else repr(result)
        parts = (kv.index_to_key, kv.vectors.tolist(), str(kv.vectors.dtype), kv.vectors.flags.writeable)
        attributes = {name: (str(x.dtype), x.tolist()) for name, x in kv.expandos.items()}
        norms = None if kv.norms is None else kv.norms.tolist()
        return repr((shown, parts, attributes, norms, kv.vectors_lockf.tolist(), files))


class Backwards:
    """An indexer that knows one answer."""

    def most_similar(self, vector: np.ndarray, topn: int) -> list[tuple[str, float]]:
        return [("indexed", 1.0)] * topn


def stale(kv: KeyedVectors) -> KeyedVectors:
    """Change a vector behind its norm."""
    kv.fill_norms()
    kv.vectors[0] = [5, 0]
    return kv


def grown(kv: KeyedVectors) -> KeyedVectors:
    """Announce a key that has no vector yet."""
    kv.index_to_key.append("new")
    kv.key_to_index["new"] = len(kv.index_to_key) - 1
    return kv


def save_twice(w: Workplace, **given: Any) -> None:
    """Write a file, and again with an argument."""
    w.kv.save_word2vec_format(w.folder / "out")
    values = {name: w.folder / value if name == "fvocab" else value for name, value in given.items()}
    w.kv.save_word2vec_format(w.folder / "out", **values)


ROWS: dict[tuple[str, str], tuple[Callable[..., Any], Any]] = {
    ("__init__", "count"): (lambda w, **k: KeyedVectors(2, **k), 3),
    ("__init__", "dtype"): (lambda w, **k: KeyedVectors(2, **k), np.float64),
    ("add_vectors", "extras"): (
        lambda w, **k: w.kv.add_vectors(["x"], [[1, 1]], **k), {"count": np.array([5])}
    ),
    ("add_vectors", "replace"): (lambda w, **k: w.kv.add_vectors(["a"], [[7, 7]], **k), True),
    ("allocate_vecattrs", "attrs"): (lambda w, **k: w.kv.allocate_vecattrs(types=[int], **k), ["more"]),
    ("allocate_vecattrs", "types"): (lambda w, **k: w.kv.allocate_vecattrs(["more"], **{"types": [int], **k}),
                                     [float]),
    ("distances", "other_words"): (lambda w, **k: w.kv.distances("a", **k), ["b"]),
    ("fill_norms", "force"): (lambda w, **k: stale(w.kv).fill_norms(**k), True),
    ("get_index", "default"): (lambda w, **k: w.kv.get_index("a" if not k else "none", **k), 5),
    ("get_mean_vector", "weights"): (lambda w, **k: w.kv.get_mean_vector(["a", "b"], **k), [1, 5]),
    ("get_mean_vector", "pre_normalize"): (lambda w, **k: w.kv.get_mean_vector(["a", "b"], **k), False),
    ("get_mean_vector", "post_normalize"): (lambda w, **k: w.kv.get_mean_vector(["a", "b"], **k), True),
    ("get_mean_vector", "ignore_missing"): (lambda w, **k: w.kv.get_mean_vector(["a", "none"], **k), False),
    ("get_vector", "norm"): (lambda w, **k: w.kv.get_vector("b", **k), True),
    ("word_vec", "norm"): (lambda w, **k: w.kv.word_vec("b", **k), True),
    ("init_sims", "replace"): (lambda w, **k: w.kv.init_sims(**k), True),
    ("load", "mmap"): (lambda w, **k: KeyedVectors.load(w.folder / "native.kv", **k), "r"),
    ("rank_by_centrality", "use_norm"): (
        lambda w, **k: w.kv.rank_by_centrality(["a", "b", "c", "D"], **k), False
    ),
    ("relative_cosine_similarity", "topn"): (
        lambda w, **k: w.kv.relative_cosine_similarity("a", "b", **k), 2
    ),
    ("resize_vectors", "seed"): (lambda w, **k: grown(w.kv).resize_vectors(**k), 5),
    ("vectors_for_all", "copy_vecattrs"): (lambda w, **k: w.kv.vectors_for_all(["b"], **k), True),
    ("most_similar", "positive"): (lambda w, **k: w.kv.most_similar(**{"positive": "a", **k}), "b"),
    ("most_similar", "negative"): (lambda w, **k: w.kv.most_similar("a", **k), "b"),
    ("most_similar", "clip_start"): (lambda w, **k: w.kv.most_similar("a", **k), 2),
    ("most_similar", "clip_end"): (lambda w, **k: w.kv.most_similar("a", **k), 3),
    ("most_similar", "indexer"): (lambda w, **k: w.kv.most_similar("a", **k), Backwards()),
    ("most_similar_cosmul", "positive"): (
        lambda w, **k: w.kv.most_similar_cosmul(**{"positive": "a", **k}), "b"
    ),
    ("most_similar_cosmul", "negative"): (lambda w, **k: w.kv.most_similar_cosmul("a", **k), "b"),
    ("load_word2vec_format", "encoding"): (
        lambda w, **k: KeyedVectors.load_word2vec_format(w.folder / "latin1", unicode_errors="ignore", **k),
        "latin1",
    ),
    ("load_word2vec_format", "binary"): (
        lambda w, **k: KeyedVectors.load_word2vec_format(w.folder / ("binary" if k else "vectors"), **k), True
    ),
    ("load_word2vec_format", "unicode_errors"): (
        lambda w, **k: KeyedVectors.load_word2vec_format(w.folder / "latin1", **k), "replace"
    ),
    ("load_word2vec_format", "no_header"): (
        lambda w, **k: KeyedVectors.load_word2vec_format(w.folder / ("glove" if k else "vectors"), **k), True
    ),
    ("intersect_word2vec_format", "binary"): (
        lambda w, **k: w.kv.intersect_word2vec_format(w.folder / ("binary" if k else "vectors"), **k), True
    ),
    ("intersect_word2vec_format", "lockf"): (
        lambda w, **k: w.kv.intersect_word2vec_format(w.folder / "vectors", **k), 0.5
    ),
    ("intersect_word2vec_format", "encoding"): (
        lambda w, **k: w.kv.intersect_word2vec_format(w.folder / "latin1", unicode_errors="ignore", **k),
        "latin1",
    ),
    ("intersect_word2vec_format", "unicode_errors"): (
        lambda w, **k: w.kv.intersect_word2vec_format(w.folder / "latin1", **k), "ignore"
    ),
}  # fmt: skip
"""A call of each argument, and a value other than the default that it then acts with."""


def also(method: str, call: Callable[..., Any], **values: Any) -> None:
    """Add rows of a method that one call serves."""
    ROWS.update({(method, name): (call, value) for name, value in values.items()})


for each in ("similar_by_key", "similar_by_word", "most_similar", "most_similar_cosmul"):
    also(each, lambda w, each=each, **k: getattr(w.kv, each)("a", **k), topn=2, restrict_vocab=3)
also("similar_by_vector", lambda w, **k: w.kv.similar_by_vector(np.ones(2), **k), topn=2, restrict_vocab=3)
also(
    "load_word2vec_format",
    lambda w, **k: KeyedVectors.load_word2vec_format(
        w.folder / "vectors", **{n: w.folder / v if n == "fvocab" else v for n, v in k.items()}
    ),
    fvocab="counts", limit=1, datatype=np.float16,
)  # fmt: skip
also(
    "evaluate_word_analogies",
    lambda w, **k: w.kv.evaluate_word_analogies(w.folder / "questions", **k),
    restrict_vocab=3, case_insensitive=False, dummy4unknown=True, similarity_function="most_similar_cosmul",
)  # fmt: skip
also(
    "evaluate_word_pairs",
    lambda w, **k: w.kv.evaluate_word_pairs(w.folder / ("semicolons" if "delimiter" in k else "pairs"), **k),
    delimiter="|", encoding="latin1", restrict_vocab=3, case_insensitive=False, dummy4unknown=True,
)  # fmt: skip
also(
    "save_word2vec_format",
    save_twice,
    fvocab="out-counts", binary=True, total_vec=9, write_header=False, prefix="p_", append=True,
    sort_attr="size",
)  # fmt: skip

REFUSED = {
    ("save", "separately"): ["vectors"], ("save", "sep_limit"): 5, ("save", "ignore"): ["vectors"],
    ("save", "pickle_protocol"): 2,
}  # fmt: skip
ELSEWHERE = {("vectors_for_all", "allow_inference"): "vectors of subwords: tests/vectors/test_fasttext.py"}


def test_each_argument_has_a_row() -> None:
    walked = {(method, name) for method, names in GENSIM.items() for name in names}
    assert walked == ROWS.keys() | REFUSED.keys() | ELSEWHERE.keys()


def outcome(call: Callable[..., Any], folder: Path, **given: Any) -> str:
    folder.mkdir()
    workplace = Workplace(folder)
    try:
        result = call(workplace, **given)
    except (KeyError, ValueError) as error:
        return re.sub(r"/\S+", "", str(error))
    return workplace.state(result)


@pytest.mark.parametrize(("method", "name"), ROWS)
def test_an_argument_acts(method: str, name: str, tmp_path: Path) -> None:
    call, value = ROWS[method, name]
    plain, changed = outcome(call, tmp_path / "plain"), outcome(call, tmp_path / "with", **{name: value})
    assert plain != changed
    assert "unexpected keyword" not in changed


@pytest.mark.parametrize(("method", "name"), REFUSED)
def test_an_argument_is_refused_with_the_reason_of_the_table(method: str, name: str, tmp_path: Path) -> None:
    reason = "the native format is a single file and no pickle"
    assert re.search(rf"`{name}`.*{reason}", DOCS.read_text(encoding="utf-8"))
    model = Word2Vec([["a", "b"]] * 9, vector_size=2, min_count=1, epochs=1, workers=1)
    for saved in (Workplace(tmp_path).kv, model):
        with pytest.raises(UsageError, match=f"{name} has no effect here: {reason}; leave it out"):
            saved.save(tmp_path / "file", **{name: REFUSED[method, name]})
        saved.save(tmp_path / "file", **{name: GENSIM[method][name]})
    with pytest.raises(UsageError, match="mmap has no effect here: it is for KeyedVectors"):
        Word2Vec.load(tmp_path / "file", mmap="r")


@pytest.mark.parametrize("name", OMITTED)
def test_a_name_that_is_not_here_says_why(name: str) -> None:
    with pytest.raises(AttributeError, match=f"has no attribute '{name}': "):
        getattr(KeyedVectors(2), name)
    assert not hasattr(KeyedVectors(2), name)
    with pytest.raises(AttributeError, match=r"has no attribute 'xyzzy'$"):
        _ = KeyedVectors(2).xyzzy
