"""Images: the mistakes of a split, the confusion matrix, and the filters of the first layer."""

from __future__ import annotations

import base64
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np

from seqkit.errors import UsageError
from seqkit.explorer.answers import Explorer, Values, endpoint
from seqkit.explorer.opening import Item
from seqkit.explorer.views.view import View
from seqkit.tasks.classes import ClassScores, score_classes
from seqkit.tasks.image_classification.trained import Mistake, find_mistakes
from seqkit.tasks.runs import choose_split

if TYPE_CHECKING:
    from starlette.routing import Route

PAGE = 60
"""Mistakes of an answer."""
MAX_FILTERS, MAX_SIDE = 256, 256
_AT_ONCE = 500
"""Images between two reports of progress, at least."""
MAX_CLASSES = 100
"""Classes of a confusion matrix that is sent."""


@dataclass(frozen=True)
class _Evaluated:
    images: np.ndarray
    labels: np.ndarray
    log_probs: np.ndarray
    scores: ClassScores
    mistakes: list[Mistake]


_evaluated: WeakKeyDictionary[Item, _Evaluated] = WeakKeyDictionary()
_done: WeakKeyDictionary[Item, float] = WeakKeyDictionary()
_lock = threading.Lock()


def _evaluate(item: Item) -> _Evaluated:
    """Return the scores of a run on its test images, or its validation images; computed once."""
    with item.use() as trained:
        with _lock:
            known = _evaluated.get(item)
        if known is not None:
            return known
        corpus = trained.corpus()
        split = choose_split(None, corpus.splits, corpus.name)
        data = corpus.images(split)
        log_probs = _log_probs(item, trained, data.images)
        found = _Evaluated(
            data.images,
            data.labels,
            log_probs,
            score_classes(split, log_probs, data.labels, trained.classes),
            find_mistakes(split, data, log_probs, trained.classes),
        )
        with _lock:
            _evaluated[item] = found
        return found


def _log_probs(item: Item, trained: Any, images: np.ndarray) -> np.ndarray:
    """Return log P(class) (N, K) of images, and report how far it is."""
    size = -(-_AT_ONCE // trained.settings.eval_batch_size) * trained.settings.eval_batch_size
    found = []
    for first in range(0, len(images), size):
        _done[item] = first / len(images)
        found.append(trained.log_probs(images[first : first + size]))
    return np.concatenate(found)


def progress(explorer: Explorer, values: Values) -> dict[str, float]:
    """Return which fraction of the images of a run is classified."""
    return {"fraction": _done.get(values.item(VIEW.applies(explorer.items.values())), 0.0)}


def summary(explorer: Explorer, values: Values) -> dict[str, Any]:
    """Return accuracy, classes and the confusion matrix of a run."""
    scores = (found := _evaluate(values.item(VIEW.applies(explorer.items.values())))).scores
    few = len(scores.classes) <= MAX_CLASSES
    return {
        "split": scores.split,
        "examples": scores.examples,
        "accuracy": scores.accuracy,
        "mistakes": len(found.mistakes),
        "classes": list(scores.classes),
        "confusion": scores.confusion.tolist() if few else None,
    }


def mistakes(explorer: Explorer, values: Values) -> dict[str, Any]:
    """Return misclassified images, the most confident first, from number ``first`` on.

    With ``label`` and ``predicted`` only those of one cell of the confusion matrix.
    """
    found = _evaluate(values.item(VIEW.applies(explorer.items.values())))
    first = values.integer("first", 0, least=0, most=1 << 31)
    chosen = found.mistakes
    for name in ("label", "predicted"):
        if values.has(name):
            wanted = values.choice(name, found.scores.classes)
            chosen = [each for each in chosen if getattr(each, name) == wanted]
    page = chosen[first : first + PAGE]
    keys = ("row", "label", "predicted", "probability")
    return {
        "total": len(chosen),
        "mistakes": [{key: getattr(each, key) for key in keys} for each in page],
        **_pixels(np.stack([each.image for each in page]) if page else found.images[:0]),
    }


def picture(explorer: Explorer, values: Values) -> dict[str, Any]:
    """Return an image of the split with the probabilities of its classes."""
    found = _evaluate(values.item(VIEW.applies(explorer.items.values())))
    row = values.integer("row", least=0, most=len(found.labels) - 1)
    probabilities = np.exp(found.log_probs[row].astype(np.float64))
    classes = found.scores.classes
    best = np.argsort(-probabilities, kind="stable")[:10]
    return {
        "row": row,
        "label": classes[found.labels[row]],
        "probabilities": [[classes[k], float(probabilities[k])] for k in best.tolist()],
        **_pixels(found.images[row : row + 1]),
    }


def filters(explorer: Explorer, values: Values) -> dict[str, Any]:
    """Return the filters of the first layer, each scaled from its smallest weight to its largest."""
    with values.item(VIEW.applies(explorer.items.values())).use() as trained:
        found = trained.filters()
    return {"total": len(found), **_pixels(np.rint(255 * found[:MAX_FILTERS]).astype(np.uint8))}


def _pixels(images: np.ndarray) -> dict[str, Any]:
    """Return images (N, H, W, C) uint8 as ``shape`` and ``pixels``, with 1 or 3 channels."""
    if max(images.shape[1:3]) > MAX_SIDE:
        step = -(-max(images.shape[1:3]) // MAX_SIDE)
        images = images[:, ::step, ::step]
    if images.shape[3] not in (1, 3):
        raise UsageError(f"expected images with 1 or 3 channels, got {images.shape[3]}")
    return {"shape": list(images.shape), "pixels": base64.b64encode(images.tobytes()).decode()}


def _routes() -> list[Route]:
    return [
        endpoint("/images/progress", progress),
        endpoint("/images/summary", summary),
        endpoint("/images/mistakes", mistakes),
        endpoint("/images/picture", picture),
        endpoint("/images/filters", filters),
    ]


VIEW = View("images", "Images", _routes, frozenset({"image_classification"}))
