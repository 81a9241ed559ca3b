"""Each setting of each task changes what a training writes, or is refused by an error that names it.

A new setting has no row in :data:`VALUES` yet, and fails here until it has one.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seqkit.errors import DataError, DeviceError, UsageError
from seqkit.tasks import (
    embeddings,
    image_classification,
    language_modeling,
    masked_language_modeling,
    seq2seq,
    sequence_labeling,
    text_classification,
)
from seqkit.training import Callback, RunDirectory, Settings
from seqkit.training.trainer import Trainer
from seqkit.vectors.word2vec import sampling
from tests.exhaustive import EXHAUSTIVE
from tests.tasks.test_image_classification import write_stripes
from tests.tasks.test_seq2seq import write_pairs
from tests.tasks.test_sequence_labeling import write_sentences
from tests.tasks.test_text_classification import write_reviews
from tests.training.tiny import cache_set, write_corpus

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Row:
    """A value of a setting, and the settings beside it without which it has no effect."""

    value: Any
    beside: dict[str, Any] = field(default_factory=dict)


def row(value: Any, **beside: Any) -> Row:
    return Row(value, beside)


ADAM, MOMENTUM = {"optimizer": "adam"}, {"optimizer": "momentum"}
TRAINING: dict[str, Row] = {
    "epochs": row(2), "max_steps": row(2), "max_time": row(1e-9),
    "anneal_to_max_time": row(True, max_time=9.0, schedule="linear"), "log_interval": row(1),
    "patience": row(1, epochs=3, lr=1e-12), "optimizer": row("adagrad"), "lr": row(0.02),
    "schedule": row("linear"), "warmup": row(2, schedule="linear"), "lr_floor": row(0.5, schedule="linear"),
    "momentum": row(0.5, **MOMENTUM), "beta2": row(0.9, **ADAM), "weight_decay": row(0.1), "clip": row(0.01),
    "averaging_patience": row(0, optimizer="nt-asgd", epochs=4, schedule=None, lr=1e-9),
    "init": row("init", tokenizer=None, min_count=None),
    "accumulate": row(2), "seed": row(1), "device": row("cuda:7"), "checkpoint_interval": row(0.0),
}  # fmt: skip
TEXT: dict[str, Row] = {
    "corpus": row("other"), "tokenizer": row("char"), "lowercase": row(True), "vocab_size": row(6),
    "unicode_normalization": row("nfkc"),
    "min_count": row(9), "grow_vocabulary": row(True, corpus="other", init="init", tokenizer=None),
    "dropout": row(0.4), "embedding_size": row(12, hidden_size=None),
    "hidden_size": row(12),
    "num_layers": row(2), "num_heads": row(2), "batch_size": row(3),
}  # fmt: skip
TEXT_FILES: dict[str, Row] = {
    "text_column": row(2, corpus="table"), "header": row(True, corpus="table", text_column=2),
    "paragraphs": row(True, corpus="paragraphs"),
}  # fmt: skip
VALUES: dict[str, dict[str, Row]] = {
    "language_modeling": {
        **TRAINING, **TEXT, **TEXT_FILES, "objective": row("masked"), "model": row("rnn"), "order": row(3),
        "prune": row("0 0 1"), "discount_fallback": row("0.1 0.2 0.3"), "bits": row(8), "memory": row("2M"),
        "adaptive_softmax": row("3,6"), "sampled_softmax": row(3), "num_layers": row(3),
        "anneal_to_max_time": row(False, max_time=9.0, schedule="linear", optimizer="sgd"),
        "positions": row("rotary"), "dropout_input": row(0.4), "dropout_hidden": row(0.4, num_layers=2),
        "dropout_output": row(0.4), "locked_dropout": row(True, dropout=0.5), "tied": row(False),
        "dropout_embedding": row(0.4), "weight_drop": row(0.4), "activation_regularization": row(2.0),
        "temporal_regularization": row(1.0), "variable_bptt": row(True),
        "init_range": row(0.3), "forget_bias": row(0.0), "bptt": row(3), "context_length": row(3),
        "eval_batch_size": row(2), "valid_tokens": row(5),
    },
    "masked_language_modeling": {
        **TRAINING, **TEXT, **TEXT_FILES, "objective": row("causal"), "model": row("lstm"),
        "context_length": row(5),
        "valid_tokens": row(5),
    },
    "seq2seq": {
        **TRAINING, **TEXT, "target": row("targets", corpus="sources"),
        "source_column": row(2), "target_column": row(1), "header": row(True),
        "target_tokenizer": row("char"), "target_lowercase": row(True), "target_vocab_size": row(6),
        "label_smoothing": row(0.2), "batch_tokens": row(12, batch_size=None),
        "on_bad_line": row("skip", corpus="malformed"), "shared_vocabulary": row(True), "reverse": row(True),
        "model": row("transformer"), "attention": row("dot"), "input_feeding": row(True), "peeky": row(True),
        "readout": row(True, tied=False), "bidirectional": row(False), "pass_cell": row(False),
        "tied": row(False), "weight_init": row("normal"), "init_range": row(0.3), "teacher_forcing": row(0.2),
        "bucket": row(False), "eval_batch_size": row(2), "max_new_tokens": row(2), "examples": row(1),
    },
    "text_classification": {
        **TRAINING, **TEXT, "label_column": row(3, text_column=2), "text_column": row(3), "header": row(True),
        "on_bad_line": row("skip", corpus="malformed"), "max_length": row(3), "model": row("gru"),
        "pooling": row("last"), "lowercase": row(False), "bidirectional": row(False),
        "word_dropout": row(0.5), "vectors": row("vectors.txt"),
        "grow_vocabulary": row(False, corpus="other", init="init", min_count=None),
        "freeze": row(True, vectors="vectors.txt", embedding_size=None), "eval_batch_size": row(2),
    },
    "sequence_labeling": {
        **TRAINING, **TEXT, "word_column": row("2"), "tag_column": row("2"),
        "on_bad_line": row("skip", corpus="malformed"), "input_scheme": row("none"), "scheme": row("bio"),
        "on_broken_tags": row("repair", corpus="broken"), "lowercase": row(False), "zero_digits": row(False),
        "max_length": row(3), "model": row("gru"), "output": row("softmax"), "characters": row("lstm"),
        "capitalization": row(False), "character_embedding_size": row(5), "character_hidden_size": row(5),
        "locked_dropout": row(False), "word_dropout": row(0.9), "vectors": row("vectors.txt"),
        "freeze": row(True, vectors="vectors.txt", embedding_size=None), "eval_batch_size": row(2),
        "feature_columns": row("2"), "feature_size": row(7, feature_columns="2"),
    },
    "image_classification": {
        **TRAINING, "corpus": row("other"), "image_size": row(6, corpus="folder"), "train_size": row(24),
        "validation": row(0.4), "split_seed": row(1), "normalize": row("unit"), "model": row("deep-cnn"),
        "hidden": row("5"), "activation": row("tanh"), "weight_init": row("xavier"), "batch_norm": row(True),
        "dropout": row(0.4), "filters": row("3"), "filter_size": row(3), "padding": row(1), "stride": row(2),
        "batch_size": row(7), "eval_batch_size": row(2), "train_accuracy": row(True),
        "test_accuracy": row(True),
    },
    "embeddings": {
        **TEXT_FILES,
        "corpus": row("other"), "tokenizer": row("char"), "lowercase": row(True), "vocab_size": row(6),
        "unicode_normalization": row("nfkc"),
        "min_count": row(9), "vocabulary": row("vocab.txt", min_count=None), "init": row("init"),
        "grow_vocabulary": row(False, corpus="other", init="init", min_count=None),
        "model": row("skip-gram"), "sg": row(True), "vector_size": row(3), "window": row(1),
        "shrink_windows": row(False), "loss": row("softmax"), "negative": row(1), "ns_exponent": row(0.1),
        "sample": row(0.01), "cbow_mean": row(False), "true_gradient": row(True),
        "weight_init": row("normal"), "optimizer": row("adagrad", sample=0.0), "alpha": row(0.3),
        "min_alpha": row(0.01), "schedule": row("cosine"), "lazy_rows": row(True), "batch_size": row(7),
        "epochs": row(2), "workers": row(2), "seed": row(1), "device": row("cuda:7"),
        "sync_words": row(1000), "log_interval": row(1e-9), "checkpoint_interval": row(0.0),
    },
}  # fmt: skip
"""A value of each setting that none of the methods below has."""

SMALL: dict[str, Any] = {
    "embedding_size": 8, "hidden_size": 8, "batch_size": 8, "epochs": 1, "lr": 0.01, "min_count": 1,
    "log_interval": 100,
}  # fmt: skip
DESCENT: dict[str, Any] = {"optimizer": "adam", "sample": 0.0, "shrink_windows": True, "batch_size": 20}
METHODS: dict[str, dict[str, dict[str, Any]]] = {
    "language_modeling": {
        "lstm": {**SMALL, "tokenizer": "word", "bptt": 5, "dropout": 0.1},
        "transformer": {
            **SMALL, "model": "transformer", "tokenizer": "word", "num_layers": 1, "context_length": 5,
        },
        "gru": {
            **SMALL, "model": "gru", "tokenizer": "bpe", "vocab_size": 300, "min_count": None,
            "num_layers": 2, "optimizer": "nesterov",
        },
        "kneser-ney": {"model": "kneser-ney", "tokenizer": "word", "min_count": 1},
    },
    "masked_language_modeling": {
        "transformer": {
            **SMALL, "tokenizer": "word", "num_layers": 1, "context_length": 8, "warmup": 0,
            "schedule": "constant",
        },
    },
    "seq2seq": {
        "lstm": {**SMALL, "dropout": 0.1, "max_new_tokens": 4},
        "gru": {**SMALL, "model": "gru", "attention": "none", "init_range": 0.2, "optimizer": "rmsprop"},
        "transformer": {**SMALL, "model": "transformer", "num_layers": 1, "max_new_tokens": 4},
    },
    "text_classification": {
        "lstm": {**SMALL}, "bag": {**SMALL, "model": "bag"},
        "transformer": {**SMALL, "model": "transformer"},
    },
    "sequence_labeling": {
        "lstm": {**SMALL}, "transformer": {**SMALL, "model": "transformer", "dropout": 0.0},
        "words": {**SMALL, "characters": "none", "output": "softmax"},
        "hmm": {"model": "hmm", "lowercase": True, "zero_digits": True},
        "frequent": {"model": "frequent", "lowercase": True, "zero_digits": True},
    },
    "image_classification": {
        "mlp": {"batch_size": 10, "epochs": 1, "hidden": "7"},
        "simple-cnn": {"batch_size": 10, "epochs": 1, "model": "simple-cnn", "hidden": "7", "filters": "2"},
    },
    "embeddings": {
        "skip-gram": {"model": "skip-gram", "vector_size": 8, "epochs": 1, "workers": 1, "min_count": 1},
        "cbow": {"vector_size": 8, "epochs": 1, "workers": 1, "min_count": 1, "tokenizer": "whitespace"},
        "adam": {"vector_size": 8, "epochs": 1, "min_count": 1, "tokenizer": "whitespace", **DESCENT},
        "counts": {"model": "counts", "vector_size": 4, "min_count": 1, "tokenizer": "whitespace"},
    },
}  # fmt: skip
"""Small settings of each type of model."""
TASKS: dict[str, Any] = {
    module.__name__.rpartition(".")[2]: module
    for module in (
        embeddings,
        image_classification,
        language_modeling,
        masked_language_modeling,
        seq2seq,
        sequence_labeling,
        text_classification,
    )
}
SETTINGS: dict[str, type[Settings]] = {
    "embeddings": embeddings.EmbeddingSettings,
    "image_classification": image_classification.ImageClassificationSettings,
    "language_modeling": language_modeling.LanguageModelSettings,
    "masked_language_modeling": masked_language_modeling.MaskedLanguageModelSettings,
    "seq2seq": seq2seq.Seq2SeqSettings,
    "sequence_labeling": sequence_labeling.SequenceLabelingSettings,
    "text_classification": text_classification.TextClassificationSettings,
}
CORPORA = {
    "seq2seq": "seq2seq", "text_classification": "labelled", "image_classification": "images",
    "sequence_labeling": "tagged",
}  # fmt: skip
FILES = ("corpus", "target", "vectors", "init", "vocabulary")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, cache_folder: Path) -> Iterator[Path]:
    """The corpora and vectors of all tasks, and a run of each."""
    folder = tmp_path_factory.mktemp("settings")
    with cache_set(cache_folder):
        for number, name in enumerate(("corpus", "other")):
            text = write_corpus(folder / f"text-{name}", lines=40, seed=number)
            text.write_text(re.sub(r"\bcat\b", "Cat", text.read_text(), count=20))
            lines = text.read_text().splitlines()
            (folder / "text-table").write_text("".join(f"{n}\t{line}\n" for n, line in enumerate(lines)))
            (folder / "text-paragraphs").write_text(
                "\n".join("\n" * (n % 3 > 1) + x for n, x in enumerate(lines))
            )
            pairs = write_pairs(folder / f"seq2seq-{name}", count=60, seed=number).read_text()
            (folder / f"seq2seq-{name}").write_text(re.sub("^(.)(.*)\t", r"\1 X\2\t", pairs, flags=re.M))
            reviews = write_reviews(folder / f"labelled-{name}", count=60, seed=number).read_text()
            wide = [f"{line}\tThe other text, number {n}" for n, line in enumerate(reviews.splitlines())]
            (folder / f"labelled-{name}").write_text("\n".join(wide).replace("film", "Film"))
            tagged = write_sentences(folder / f"tagged-{name}", count=30, seed=number).read_text()
            wide = [
                f"{cells[0]}{n % 3 if n % 5 == 0 else ''} P{n % 4} {cells[1]}" if cells else ""
                for n, cells in enumerate(map(str.split, tagged.splitlines()))
            ]
            (folder / f"tagged-{name}").write_text("\n".join(wide))
            write_stripes(folder / f"images-{name}", count=60, size=8, seed=number)
            with contextlib.suppress(ImportError):
                write_image_folder(folder / "images-folder")
        (folder / "seq2seq-malformed").write_text(pairs + "no tab\n")
        (folder / "labelled-malformed").write_text(reviews + "no tab\n")
        (folder / "tagged-malformed").write_text(tagged + "\nlonely\n")
        (folder / "tagged-broken").write_text(tagged + "\nthe I-LOC\n")
        rows = [line.split("\t") for line in pairs.splitlines()]
        (folder / "seq2seq-sources").write_text("".join(f"{source}\n" for source, _ in rows))
        (folder / "targets").write_text("".join(f"{target}\n" for _, target in rows))
        words = sorted({word for line in reviews.splitlines() for word in line.split()})
        values = np.random.default_rng(0).standard_normal((len(words), 8))
        vectors = [" ".join([word, *map(str, row)]) for word, row in zip(words, values, strict=True)]
        (folder / "vectors.txt").write_text("\n".join(vectors))
        (folder / "vocab.txt").write_text("the\ncat\n<unk>\n<eos>\n")
        for task, methods in METHODS.items():
            corpus = str(folder / f"{CORPORA.get(task, 'text')}-corpus")
            settings = SETTINGS[task](corpus=corpus, **next(iter(methods.values())))
            TASKS[task].train(settings, folder / f"init-{task}")
    return folder


def write_image_folder(folder: Path) -> None:
    """A folder of noise for each of two classes."""
    from PIL import Image

    noise = np.random.default_rng(0).integers(0, 256, (2, 12, 8, 8), np.uint8)
    for label, images in enumerate(noise):
        (folder / str(label)).mkdir(parents=True, exist_ok=True)
        for number, pixels in enumerate(images):
            Image.fromarray(pixels).save(folder / str(label) / f"{number}.png")


class Notes(Callback):
    """Keeps the messages, without times and paths."""

    def __init__(self) -> None:
        self.messages: list[str] = []

    def on_message(self, text: str) -> None:
        self.messages.append(re.sub(r"[0-9.]+ s\)|/\S+", "", text))


@dataclass
class Trainings:
    """Tiny trainings of one task and method, each done once."""

    task: str
    folder: Path
    out: Path
    checkpoints: list[int]
    done: dict[str, Any] = field(default_factory=dict)

    def result(self, **settings: Any) -> Any:
        """All that a training writes and says, or its DataError; UsageError and DeviceError are raised."""
        key = repr(sorted(settings.items()))
        if key not in self.done:
            self.done[key] = self._train(settings)
        return self.done[key]

    def _train(self, settings: dict[str, Any]) -> Any:
        values = {"corpus": "corpus", **settings}
        values = {name: value for name, value in values.items() if value is not None}
        values["corpus"] = f"{CORPORA.get(self.task, 'text')}-{values['corpus']}"
        if "init" in values:
            values["init"] = f"init-{self.task}"
        values |= {name: str(self.folder / values[name]) for name in FILES if name in values}
        notes, run = Notes(), self.out / f"{self.task}-{len(self.done)}"
        del self.checkpoints[:]
        try:
            TASKS[self.task].train(SETTINGS[self.task](**values), run, callbacks=notes)
        except (UsageError, DeviceError):
            raise
        except DataError as error:
            return str(error)
        files = {path.name: path.read_bytes() for path in run.iterdir() if path.name not in UNEQUAL}
        config = json.loads((run / "config.json").read_text())
        return (
            {name: hash(data) for name, data in files.items()},
            [without_times(json.loads(line)) for line in (run / "log.jsonl").read_text().splitlines()],
            {
                name: value
                for name, value in config.items()
                if name not in ("settings", "content_key", "corpus")
            },
            notes.messages,
            len(self.checkpoints),
        )


UNEQUAL = {"config.json", "log.jsonl", "last.safetensors", "run.lock", "lock"}
TIMES = {"seconds", "tokens_per_s", "seconds_left"}


def without_times(record: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name not in TIMES}


IDLE = {
    ("language_modeling", "kneser-ney", "seed"): "counts are not drawn",
    ("language_modeling", "kneser-ney", "memory"): "any limit gives the same bits",
    ("embeddings", "counts", "seed"): "the whole SVD of a small vocabulary draws nothing",
    ("embeddings", "cbow", "workers"): "the second worker may find nothing left",
    ("embeddings", "skip-gram", "workers"): "the second worker may find nothing left",
    ("embeddings", "skip-gram", "sg"): "the short form of skip-gram says it again",
}

NEEDS_PILLOW = set() if find_spec("PIL") else {"image_size"}
CONSTANT = {
    "language_modeling": {"device", "objective", "memory"},
    "masked_language_modeling": {"device", "objective", "model"},
    "embeddings": {"device", "sync_words"},
}
"""Settings that have one value on this machine, in this task, or in one process; another is refused."""


@pytest.mark.parametrize("task", VALUES)
def test_every_setting_acts_or_is_refused(
    task: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sampling, "CHUNK", 100)
    monkeypatch.setattr("os.fsync", lambda descriptor: None)  # nothing here survives the test
    checkpoints: list[int] = []
    for place, name in ((RunDirectory, "save_checkpoint"), (Trainer, "_poll")):
        monkeypatch.setattr(place, name, counted(getattr(place, name), checkpoints))
    settings = SETTINGS[task]
    assert VALUES[task].keys() == {field.name for field in dataclasses.fields(settings)}
    acts, wrong = set(), []
    for method, base in METHODS[task].items():
        # Where it has acted in one method, another is tried with EXHAUSTIVE only.
        rows = {name: each for name, each in VALUES[task].items() if EXHAUSTIVE or name not in acts}
        trainings = Trainings(task, folder, tmp_path / method, checkpoints)
        trainings.out.mkdir()
        for name, each in rows.items():
            beside = {**base, **each.beside}
            if beside.get(name) == each.value:
                continue
            try:
                plain = trainings.result(**beside)
            except (UsageError, DeviceError):
                beside = base  # what acts beside others only must be refused without them
                plain = trainings.result(**base)
            try:
                changed = trainings.result(**{**beside, name: each.value})
            except (UsageError, DeviceError) as error:
                given = [name, *base] if name in ("model", "objective", "init") else [name]
                if not any(names(settings, each, str(error)) for each in given):
                    wrong.append(f"{method}: {name} is refused by {error}")
                continue
            if changed != plain:
                acts.add(name)
            elif (task, method, name) not in IDLE:
                wrong.append(f"{method}: {name}={each.value!r} changes nothing beside {each.beside}")
    assert not wrong, "\n".join(wrong)
    assert VALUES[task].keys() - acts <= CONSTANT.get(task, {"device", "objective", *NEEDS_PILLOW})


COMBINED: list[tuple[str, dict[str, Any], str]] = [
    (
        "language_modeling",
        {"dropout_input": 0.1, "dropout_output": 0.1, "dropout": 0.3, "num_layers": 1},
        "dropout",
    ),
    ("language_modeling", {"dropout": 0.0, "locked_dropout": True}, "locked_dropout"),
    ("language_modeling", {"tokenizer": "bpe", "min_count": 3}, "min_count"),
    ("language_modeling", {"model": "kneser-ney", "seed": 3}, "seed"),
    ("language_modeling", {"adaptive_softmax": "3", "sampled_softmax": 3}, "sampled_softmax"),
    ("language_modeling", {"model": "gru", "forget_bias": 0.0}, "forget_bias"),
    ("language_modeling", {"init_range": 0.1, "forget_bias": 0.0}, "forget_bias"),
    ("seq2seq", {"model": "gru", "pass_cell": False}, "pass_cell"),
    ("seq2seq", {"init_range": 0.1, "weight_init": "normal"}, "weight_init"),
    ("seq2seq", {"shared_vocabulary": True, "target_vocab_size": 9}, "target_vocab_size"),
    ("seq2seq", {"batch_tokens": 90, "batch_size": 9}, "batch_size"),
    ("seq2seq", {"batch_tokens": 90, "bucket": False}, "batch_tokens"),
    ("seq2seq", {"tokenizer": "learned.json", "vocab_size": 9}, "vocab_size"),
    ("seq2seq", {"corpus": "addition", "target": "targets"}, "target"),
    ("text_classification", {"corpus": "rt-polarity", "label_column": 2}, "label_column"),
    ("text_classification", {"corpus": "classes", "text_column": 3}, "text_column"),
    ("sequence_labeling", {"corpus": "nltk:conll2000", "tag_column": "2"}, "tag_column"),
    ("sequence_labeling", {"corpus": "pairs", "scheme": "bio"}, "scheme"),
    ("image_classification", {"validation": 0.0, "split_seed": 3}, "split_seed"),
    ("image_classification", {"hidden": "", "activation": "tanh"}, "activation"),
    ("image_classification", {"corpus": "images-corpus", "validation": 0.0, "patience": 2}, "patience"),
    ("image_classification", {"corpus": "images-corpus", "validation": 0.0, "eval_batch_size": 2},
     "eval_batch_size"),
    ("embeddings", {"window": 1, "shrink_windows": False}, "shrink_windows"),
    ("embeddings", {"cbow_mean": False, "true_gradient": True}, "true_gradient"),
    ("embeddings", {"model": "counts", "optimizer": "adam"}, "optimizer"),
]  # fmt: skip
"""Settings that are idle beside others, or with these data."""


@pytest.mark.parametrize(("task", "values", "name"), COMBINED, ids=lambda value: str(value)[:40])
def test_a_setting_that_others_leave_idle_is_refused(
    task: str, values: dict[str, Any], name: str, folder: Path, tmp_path: Path
) -> None:
    (folder / "classes").mkdir(exist_ok=True)
    for label in "ab":
        (folder / "classes" / f"{label}.txt").write_text("a text\nanother text\n" * 9)
    (folder / "pairs").write_text("".join(f"the DET\nword{n} NOUN\n\n" for n in range(30)))
    known = (values.get("corpus") or "").removeprefix("classes").removeprefix("images-corpus")
    known = known.removeprefix("pairs")
    paths = {
        each: str(folder / values[each]) for each in ("corpus", "target") if each in values and not known
    }
    with pytest.raises(UsageError, match=rf"^{name} has no effect here: it is for "):
        TASKS[task].train(SETTINGS[task](**{**values, **paths}), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def names(settings: type[Settings], name: str, text: str) -> bool:
    """Whether an error names the setting, by field or flag."""
    return any(re.search(rf"\b{re.escape(each)}\b", text) for each in (name, *settings.flags(name)))


def counted(function: Callable[..., Any], counter: list[int]) -> Callable[..., Any]:
    def call(*arguments: Any, **options: Any) -> Any:
        counter.append(1)
        return function(*arguments, **options)

    return call
