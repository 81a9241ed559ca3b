"""Scores of all taggers over several seeds, beside CRFsuite and NLTK's perceptron.

    python -m benchmarks.taggers --runs DIR [--rows NAMES] [--seeds 0,1,2] [--vectors RUN]
    python -m benchmarks.taggers --write-text FILE

Trains the recipes into DIR/ROW-SEED, or resumes runs found there. "pos" are rows that read the parts of
speech beside the words; --vectors adds rows for CoNLL-2000 that start from word vectors. "crfsuite" and
"perceptron" are the peers: a conditional random field over the features that CRFsuite's tutorial publishes
(words and parts of speech within two places), learned from the whole published training split; and NLTK's
averaged perceptron, learned from the training split of Brown in five passes, as its default is. All are
scored by the same function on the same test sentences; words are known that the training sentences have in
whatever case and with any digits.

--write-text writes the text of these vectors, one sentence or paragraph on a line, in lower case and with 0
for each digit: Penn Treebank without <unk>, Brown, the training sentences of CoNLL-2000, and english-novels.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.measure import RESULTS, machine, write_json
from seqkit import corpora
from seqkit.backend import data_dir
from seqkit.cli.settings_file import read_recipe
from seqkit.data.tagging import normalized
from seqkit.tasks.sequence_labeling import SequenceLabelingSettings, train
from seqkit.tasks.sequence_labeling.data import open_corpus
from seqkit.tasks.sequence_labeling.evaluation import TaggingScores, score_tags
from seqkit.text import get_tokenizer
from seqkit.training import Callback

POS = {"feature_columns": "2"}
"""The parts of speech of the shared tasks' files."""
ROWS: dict[str, tuple[str, dict[str, Any]]] = {
    "conll2000": ("conll2000", {}),
    "conll2000, pos": ("conll2000", POS),
    "conll2000, vectors": ("conll2000", {"vectors": None}),
    "conll2000, vectors, pos": ("conll2000", {"vectors": None, **POS}),
    "conll2002-esp": ("conll2002-esp", {}),
    "conll2002-esp, pos": ("conll2002-esp", POS),
    "conll2002-ned": ("conll2002-ned", {}),
    "conll2002-ned, pos": ("conll2002-ned", POS),
    "brown": ("brown", {}),
}
"""Recipe and changed settings of each row; vectors are those of --vectors."""


class _Said(Callback):
    def on_epoch_end(self, record: dict[str, Any]) -> None:
        score = record.get("valid_f1", record.get("valid_accuracy"))
        print(f"  epoch {record['epoch']}: {score:.2%}, {record['seconds']:.0f} s", flush=True)


def train_row(name: str, seed: int, options: argparse.Namespace) -> TaggingScores:
    """Train, or resume, a row's model from a seed, and return its scores on the test split."""
    recipe, changes = ROWS[name]
    values = {k.replace("-", "_"): v for k, v in read_recipe(recipe, "train-tagger").items()}
    if "vectors" in changes:
        changes = {**changes, "vectors": options.vectors}
    settings = SequenceLabelingSettings.from_values({**values, **changes, "seed": seed})
    tagger = train(settings, options.runs / f"{_stem(name)}-{seed}", resume=True, callbacks=_Said())
    corpus = open_corpus(settings)
    sentences = list(corpus.sentences("test"))
    features = [s.feature_columns for s in sentences] if tagger.settings.columns else None
    started = time.perf_counter()
    predicted = tagger.tag_words([s.words for s in sentences], features)
    _say_speed(name, predicted, time.perf_counter() - started)
    known = _known((s.words for s in corpus.sentences("train")), (s.words for s in sentences))
    spans = tagger.input_scheme is not None
    return score_tags("test", predicted, [s.tags for s in sentences], known, None, spans=spans)


def _known(train: Iterable[Sequence[str]], test: Iterable[Sequence[str]]) -> np.ndarray:
    """Return for each test word whether a training sentence has it, in whatever case and with any digits."""

    def keys(sentences: Iterable[Sequence[str]]) -> Iterator[str]:
        return (normalized(word, lowercase=True, zero_digits=True) for words in sentences for word in words)

    seen = set(keys(train))
    return np.array([key in seen for key in keys(test)])


def crfsuite() -> TaggingScores:
    """Learn CoNLL-2000's chunks by CRFsuite's published features; return the scores of the test split."""
    import nltk
    import pycrfsuite

    nltk.data.path.insert(0, str(data_dir() / "nltk_data"))
    sentences = {name: list(nltk.corpus.conll2000.iob_sents(f"{name}.txt")) for name in ("train", "test")}
    trainer = pycrfsuite.Trainer(verbose=False)
    for sentence in sentences["train"]:
        if sentence:
            trainer.append(_features(sentence), [tag for _, _, tag in sentence])
    test = [sentence for sentence in sentences["test"] if sentence]
    with tempfile.TemporaryDirectory() as folder:
        model = f"{folder}/crfsuite.model"
        started = time.perf_counter()
        trainer.train(model)
        trained = time.perf_counter() - started
        tagger = pycrfsuite.Tagger()
        tagger.open(model)
        started = time.perf_counter()
        predicted = [tagger.tag(_features(sentence)) for sentence in test]
        seconds = time.perf_counter() - started
        tagger.close()
    _say_speed("CRFsuite", predicted, seconds, trained)
    gold = [tuple(tag for _, _, tag in sentence) for sentence in test]
    words = {name: [[row[0] for row in sentence] for sentence in sentences[name]] for name in sentences}
    return score_tags("test", predicted, gold, _known(words["train"], words["test"]), None, spans=True)


def _features(sentence: Sequence[tuple[str, str, str]]) -> list[list[str]]:
    """Return the features of each word: words and parts of speech around it, their pairs and triples."""
    columns = {name: [row[n] for row in sentence] for n, name in enumerate("wp")}

    def templates() -> Iterator[tuple[str, tuple[int, ...]]]:
        for name in "wp":
            yield from ((name, (at,)) for at in range(-2, 3))
        yield from (("w", (at, at + 1)) for at in (-1, 0))
        yield from (("p", (at, at + 1)) for at in range(-2, 2))
        yield from (("p", (at, at + 1, at + 2)) for at in range(-2, 1))

    listed = list(templates())
    rows = []
    for t in range(len(sentence)):
        row = ["bias"]
        for name, places in listed:
            if t + places[0] >= 0 and t + places[-1] < len(sentence):
                row.append(f"{name}{places}={'|'.join(columns[name][t + at] for at in places)}")
        row += [name for name, at in (("first", 0), ("last", len(sentence) - 1)) if t == at]
        rows.append(row)
    return rows


def perceptron() -> TaggingScores:
    """Learn Brown's parts of speech by NLTK's averaged perceptron; return the scores of the test split."""
    from nltk.tag.perceptron import PerceptronTagger

    corpus = open_corpus(SequenceLabelingSettings(corpus="nltk:brown"))
    splits = {name: list(corpus.sources[name]()) for name in ("train", "test")}
    pairs = [list(zip(s.words, s.tags, strict=True)) for s in splits["train"]]
    tagger = PerceptronTagger(load=False)
    started = time.perf_counter()
    tagger.train(pairs, nr_iter=5)
    trained = time.perf_counter() - started
    started = time.perf_counter()
    predicted = [[tag for _, tag in tagger.tag(list(s.words))] for s in splits["test"]]
    _say_speed("NLTK's perceptron", predicted, time.perf_counter() - started, trained)
    known = _known(*([s.words for s in splits[name]] for name in ("train", "test")))
    return score_tags("test", predicted, [s.tags for s in splits["test"]], known, None, spans=False)


def write_text(path: Path) -> None:
    """Write the text of the word vectors for CoNLL-2000."""
    tagged = {name: open_corpus(SequenceLabelingSettings(corpus=f"nltk:{name}")) for name in TAGGED_TEXT}
    sentences = (
        s.words
        for name, splits in TAGGED_TEXT.items()
        for split in splits
        for s in tagged[name].sentences(split)
    )
    ptb = corpora.open_corpus("ptb")
    lines = (line.replace("<unk>", "").split() for split in ptb.splits for line in ptb.lines(split))
    words, novels = get_tokenizer("word"), corpora.open_corpus(data_dir() / "english-novels")
    prose = (words.tokenize(line) for split in novels.splits for line in novels.lines(split))
    with path.open("w", encoding="utf-8") as file:
        for tokens in chain(lines, sentences, prose):
            file.write(normalized(" ".join(tokens), lowercase=True, zero_digits=True) + "\n")


TAGGED_TEXT = {"brown": ("train", "valid", "test"), "conll2000": ("train", "valid")}
"""Corpora of NLTK and the splits whose words, not tags, are text of the vectors."""


def _say_speed(
    name: str, predicted: Sequence[Sequence[str]], tagged: float, trained: float | None = None
) -> None:
    words, learned = sum(map(len, predicted)), "" if trained is None else f"learned in {trained:.0f} s, "
    print(f"{name}: {learned}tags {words / tagged:,.0f} words/s of the test split", flush=True)


PEERS: dict[str, Callable[[], TaggingScores]] = {"crfsuite": crfsuite, "perceptron": perceptron}


def main() -> None:
    """Train missing runs, print the table and write it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.taggers", description=__doc__)
    parser.add_argument("--runs", type=Path, help="folder of the runs")
    parser.add_argument("--write-text", type=Path, help="write the text of the word vectors, no more")
    parser.add_argument("--rows", default=None, help="names of rows and peers, separated by semicolons [all]")
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--vectors", default=None, help="word vectors to start CoNLL-2000 from")
    options = parser.parse_args()
    if options.write_text is not None:
        write_text(options.write_text)
        return
    if options.runs is None:
        parser.error("expected --runs or --write-text")
    options.runs.mkdir(parents=True, exist_ok=True)
    wanted = options.rows.split(";") if options.rows else [*ROWS, *PEERS]
    if options.vectors is None:
        wanted = [name for name in wanted if "vectors" not in ROWS.get(name, ("", {}))[1]]
    for name in wanted:
        seeds = [None] if name in PEERS else [int(seed) for seed in options.seeds.split(",")]
        for seed in seeds:
            print(name if seed is None else f"{name}, seed {seed}", flush=True)
            scores = PEERS[name]() if seed is None else train_row(name, seed, options)
            write_json(_scores_file(options.runs, name, seed), scores.to_dict())
    results = _table(options.runs)
    write_json(RESULTS / "taggers.json", {"rows": results, "machine": machine()})


def _scores_file(runs: Path, name: str, seed: int | None) -> Path:
    return runs / (f"{_stem(name)}.json" if seed is None else f"{_stem(name)}-{seed}.json")


def _stem(name: str) -> str:
    return name.replace(", ", "-")


def _table(runs: Path) -> dict[str, dict[str, list[float | None]]]:
    """Print the scores of all runs in the folder, and return them by row."""
    results: dict[str, dict[str, list[float | None]]] = {}
    print(f"\n{'':<20}{'F1':>18}{'accuracy':>18}{'known words':>18}{'unknown words':>18}")
    for name in [*ROWS, *PEERS]:
        seeds = [None] if name in PEERS else range(100)
        files = [path for seed in seeds if (path := _scores_file(runs, name, seed)).exists()]
        rows = [json.loads(path.read_text("utf-8")) for path in files]
        if rows:
            results[name] = {
                "f1": [None if row["spans"] is None else row["spans"]["f1"] for row in rows],
                **{key: [row[key] for row in rows] for key in _ACCURACIES},
            }
            print(f"{name:<20}" + "".join(f"{_mean(values):>18}" for values in results[name].values()))
    return results


_ACCURACIES = ("accuracy", "known_accuracy", "unknown_accuracy")


def _mean(values: Sequence[float | None]) -> str:
    numbers = [value for value in values if value is not None]
    if not numbers:
        return ""
    spread = f" ± {statistics.stdev(numbers):.2%}" if len(numbers) > 1 else ""
    return f"{statistics.mean(numbers):.2%}{spread}"


if __name__ == "__main__":
    main()
