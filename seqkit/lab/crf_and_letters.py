"""Letters and a CRF in a tagger that finds the code in Python's documentation."""

from __future__ import annotations

import functools
import re
import tempfile
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from seqkit.corpora import open_corpus
from seqkit.lab.harness.drawing import label_axes, plot_bars
from seqkit.lab.harness.experiment import Criterion, Experiment, Numbers, Setup
from seqkit.tasks.sequence_labeling import SequenceLabelingSettings, train
from seqkit.text.tag_schemes import Span, span_tags

if TYPE_CHECKING:
    from matplotlib.figure import Figure

VARIANTS: dict[str, tuple[str, str]] = {
    "words, softmax": ("none", "softmax"),
    "words, CRF": ("none", "crf"),
    "letters, softmax": ("cnn", "softmax"),
    "letters, CRF": ("cnn", "crf"),
}
"""How letters become a vector, and the output."""
MIN_COUNT = 5
"""Rarer words are unknown, as most are in a language of many forms."""

_CODE = re.compile(r'"([^"]+)"')
_TOKEN = re.compile(r"\w+|[^\w\s]")


@functools.cache
def tagged_paragraphs() -> dict[str, list[str]]:
    """Return the paragraphs of pydocs that quote code as columns, without the quotation marks, by split."""
    corpus = open_corpus("pydocs")
    found: dict[str, list[str]] = {"train": [], "test": []}
    for split in corpus.splits:
        for line in corpus.lines(split):
            if line.count('"') % 2 == 0 and _CODE.search(line) is not None:
                found["train" if split == "train" else "test"].append(_columns(line))
    return found


def _columns(paragraph: str) -> str:
    """Return a line of each token with its tag, those between quotation marks being spans of code."""
    words: list[str] = []
    spans: list[Span] = []
    for number, part in enumerate(_CODE.split(paragraph)):
        start = len(words)
        words += _TOKEN.findall(part)
        if number % 2 and len(words) > start:
            spans.append((start, len(words), "code"))
    tags = span_tags(spans, len(words), "bio")
    return "".join(f"{word}\t{tag}\n" for word, tag in zip(words, tags, strict=True))


def run(setup: Setup) -> Numbers:
    """Measure the F1 of spans of code in the test split, and the accuracy on words not seen in training."""
    f1, unknown = {}, {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for split, paragraphs in tagged_paragraphs().items():
            chosen = islice(paragraphs, setup.scale(quick=400, full=800))
            (folder / f"{split}.conll").write_text("\n".join(chosen), "utf-8", newline="\n")
        for number, (variant, (characters, output)) in enumerate(VARIANTS.items()):
            settings = SequenceLabelingSettings(
                corpus=name,
                input_scheme="bio",
                min_count=MIN_COUNT,
                characters=characters,
                capitalization=characters != "none",
                output=output,
                embedding_size=50,
                hidden_size=64,
                lr=0.004,
                epochs=8,
                seed=setup.seed,
            )
            scores = train(settings, folder / f"run-{number}").evaluate("test")
            assert scores.spans is not None
            f1[variant], unknown[variant] = scores.spans.f1, scores.unknown_accuracy
    return {"F1": f1, "accuracy on unknown words": unknown}


def draw(figure: Figure, numbers: Sequence[Numbers]) -> None:
    """Plot the F1 of each tagger."""
    axes = figure.subplots()
    plot_bars(axes, list(VARIANTS), [[each["F1"][name] for name in VARIANTS] for each in numbers])
    label_axes(axes, "what the tagger sees, and how it chooses tags", "F1 of spans of code")


def _gain(n: Numbers, variant: str, other: str) -> float:
    return n["F1"][variant] - n["F1"][other]


EXPERIMENT = Experiment(
    module=__name__,
    chapter="2.9",
    place=3,
    claim="In finding the code in Python's documentation, with words seen fewer than five times unknown, a "
    "tagger gains from the letters of words, and from a CRF.",
    criteria=(
        Criterion(
            "F1 with a CRF, with letters minus without",
            lambda n: _gain(n, "letters, CRF", "words, CRF"),
            above=0.02,
        ),
        Criterion(
            "F1 with letters, CRF minus softmax",
            lambda n: _gain(n, "letters, CRF", "letters, softmax"),
            above=0.02,
        ),
    ),
    run=run,
    draw=draw,
    note="Letters gain less the more words are known: with all words of the training split in the vocabulary "
    "they added nothing to the CRF (0.006 ± 0.019 of F1, full size).",
    source="Huang, Xu, Yu 2015; Lample et al. 2016; Ma and Hovy 2016",
)
