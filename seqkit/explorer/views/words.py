"""Words: a map of the vocabulary, neighbours in the full space, analogies and groups."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import numpy as np

from seqkit.errors import UsageError
from seqkit.explorer import maps
from seqkit.explorer.answers import Explorer, Values, endpoint
from seqkit.explorer.opening import Item
from seqkit.explorer.views.view import View
from seqkit.explorer.word_tables import KINDS, Completions, has_words, words_of
from seqkit.tasks.embeddings import known_spelling
from seqkit.vectors import KeyedVectors

if TYPE_CHECKING:
    from starlette.routing import Route

MAX_MAPPED = 100_000
"""Words of a map: the first, which are the most frequent in most files. Searches look at all words."""
_MAX_WORD = 1000
_COMPLETIONS = 12


def _item(explorer: Explorer, values: Values, name: str = "item") -> Item:
    return values.item(VIEW.applies(explorer.items.values()), name)


def _table(explorer: Explorer, item: Item) -> KeyedVectors:
    def load() -> KeyedVectors:
        table = words_of(item)
        if not len(table):
            raise UsageError(f"expected words, got none in {item.name}")
        return table

    table: KeyedVectors = explorer.cached(("words", item.name), load)
    return table


def _count(values: Values, table: KeyedVectors) -> int:
    return min(values.integer("words", MAX_MAPPED, least=2, most=MAX_MAPPED), len(table))


def _encoded(array: np.ndarray) -> str:
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()


# The map


def describe(explorer: Explorer, values: Values) -> dict[str, Any]:
    """Return the number of words and dimensions of a set, and the methods of maps that are installed."""
    table = _table(explorer, _item(explorer, values))
    return {
        "total": len(table),
        "dimensions": table.vector_size,
        "methods": maps.installed_methods(),
        "packages": {name: package for name, (_, package) in maps.PACKAGES.items()},
        "most": MAX_MAPPED,
    }


def words(explorer: Explorer, values: Values) -> dict[str, Any]:
    """Return the first words of a set, in its order."""
    table = _table(explorer, _item(explorer, values))
    return {"words": [str(key) for key in table.index_to_key[: _count(values, table)]]}


def pca_map(explorer: Explorer, values: Values) -> dict[str, Any]:
    """Return the positions of the first words by PCA: x and y of each, float32 in base64."""
    item = _item(explorer, values)
    table = _table(explorer, item)
    count = _count(values, table)
    key = ("pca", item.name, count)
    points = explorer.cached(key, lambda: maps.pca(maps.unit_rows(table.vectors[:count])))
    return {"count": count, "points": _encoded(points)}


def start_map(explorer: Explorer, values: Values) -> dict[str, Any]:
    """Start t-SNE or UMAP of the first words in the background."""
    item, method = _item(explorer, values), values.choice("method", maps.METHODS)
    maps.require_method(method)
    table = _table(explorer, item)
    rows = maps.unit_rows(table.vectors[: _count(values, table)])
    if len(rows) < 4 or rows.shape[1] < 2:
        raise UsageError(f"expected four words or more for this map, got {len(rows)}")
    seed = values.integer("seed", 0, least=0, most=1 << 31)
    return explorer.jobs.start(maps.METHODS[method], rows, seed).status()


def finished_map(explorer: Explorer, values: Values) -> dict[str, Any]:
    """Return the positions that a job has computed."""
    job = explorer.jobs.get(values.text("job", most=64))
    if job.state != "done" or not isinstance(job.result, np.ndarray):
        raise UsageError(f"expected a map that is done, got one that is {job.state}")
    return {"count": len(job.result), "points": _encoded(job.result)}


def groups(explorer: Explorer, values: Values) -> dict[str, Any]:
    """Return a group for each of the first words by k-means: uint8 in base64, and a name for each group."""
    item = _item(explorer, values)
    table = _table(explorer, item)
    count = _count(values, table)
    wanted = min(values.integer("groups", 8, least=1, most=20), count)

    def compute() -> tuple[np.ndarray, list[str]]:
        group, closeness = maps.k_means(maps.unit_rows(table.vectors[:count]), wanted)
        names = []
        for each in range(wanted):
            members = np.flatnonzero(group == each)[:100]  # the frequent ones
            best = members[np.argsort(-closeness[members], kind="stable")[:3]]
            names.append(", ".join(str(table.index_to_key[i]) for i in best))
        return group, names

    group, names = explorer.cached(("groups", item.name, count, wanted), compute)
    return {"groups": _encoded(group), "names": names}


# Searches, in all words and all dimensions


def neighbours(explorer: Explorer, values: Values) -> dict[str, Any]:
    """Return the words nearest to one word, or to the sum of ``plus`` less ``minus``, by cosine."""
    table = _table(explorer, _item(explorer, values))
    plus, minus = (
        [known_spelling(table, each) for each in values.texts(name, most=_MAX_WORD, count=20) if each]
        for name in ("plus", "minus")
    )
    if not plus and not minus:
        raise UsageError("expected a word, got none")
    found = table.most_similar(plus, minus, topn=values.integer("count", 12, least=1, most=100))
    index = table.key_to_index
    first = (plus or minus)[0]
    counts = table.expandos.get("count")
    return {
        "words": plus,
        "minus": minus,
        "rank": index[first] + 1 if first in index else None,
        "count": int(counts[index[first]]) if counts is not None and first in index else None,
        "indices": [index.get(each, -1) for each in plus],
        "neighbours": [[str(word), round(float(score), 5), index[word]] for word, score in found],
    }


def complete(explorer: Explorer, values: Values) -> dict[str, Any]:
    """Return words that begin with a text, in either case, then words that contain it."""
    item = _item(explorer, values)
    table = _table(explorer, item)
    text = known_spelling(table, values.text("text", most=_MAX_WORD))
    completions: Completions = explorer.cached(
        ("completions", item.name), lambda: Completions([str(key) for key in table.index_to_key])
    )
    found = completions.find(text, _COMPLETIONS)
    exact = [text] if text in table.key_to_index and text not in found else []
    return {"words": [*exact, *found][:_COMPLETIONS]}


def _routes() -> list[Route]:
    return [
        endpoint("/words/about", describe),
        endpoint("/words/list", words),
        endpoint("/words/pca", pca_map),
        endpoint("/words/start", start_map, method="POST"),
        endpoint("/words/map", finished_map),
        endpoint("/words/groups", groups),
        endpoint("/words/neighbours", neighbours),
        endpoint("/words/complete", complete),
    ]


VIEW = View("words", "Words", _routes, KINDS, fits=has_words)
