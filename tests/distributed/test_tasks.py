"""Training with several processes has the losses and the weights of one process, whatever their number."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seqkit.distributed.group import ProcessGroup
from seqkit.tasks import masked_language_modeling
from seqkit.training import Callback, RunDirectory, Task, Trainer
from tests.distributed.stand_in import together
from tests.exhaustive import some
from tests.training.tiny import write_corpus

STEPS = 4


def _write_corpora(folder: Path) -> None:
    write_corpus(folder / "text.txt")
    random = np.random.default_rng(3)
    words = ["red", "green", "blue", "old", "new", "cat", "dog", "tree"]
    lines = [random.choice(words, random.integers(2, 7)).tolist() for _ in range(40)]
    files: dict[str, list[str]] = {"pairs.tsv": [], "labelled.tsv": [], "tagged.txt": []}
    for line in lines:
        text = " ".join(line)
        files["pairs.tsv"].append(text + "\t" + " ".join(word[::-1] for word in line[:-1]))
        files["labelled.tsv"].append(("hot" if "red" in line else "cold") + "\t" + text)
        files["tagged.txt"] += [f"{word} {'B-ANIMAL' if word in ('cat', 'dog') else 'O'}" for word in line]
        files["tagged.txt"].append("")
    for name, content in files.items():
        (folder / name).write_text("\n".join(content) + "\n", "utf-8")


SETTINGS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "LSTM": ("language_modeling", "text.txt", {"hidden_size": 8, "bptt": 5}),
    "LSTM with adaptive softmax": (
        "language_modeling",
        "text.txt",
        {"hidden_size": 8, "bptt": 5, "adaptive_softmax": "4,8"},
    ),
    "LSTM with sampled softmax": (
        "language_modeling",
        "text.txt",
        {"hidden_size": 8, "bptt": 5, "sampled_softmax": 4, "weight_drop": 0.3, "dropout_embedding": 0.2},
    ),
    "LSTM with regularisation and windows of other lengths": (
        "language_modeling",
        "text.txt",
        {"hidden_size": 8, "bptt": 5, "activation_regularization": 2.0, "temporal_regularization": 1.0}
        | {"variable_bptt": True},
    ),
    "Transformer": (
        "language_modeling",
        "text.txt",
        {"model": "transformer", "num_layers": 2, "num_heads": 2},
    ),
    "masked": (
        "masked_language_modeling",
        "text.txt",
        {"num_layers": 2, "num_heads": 2},
    ),
    "seq2seq RNN": ("seq2seq", "pairs.tsv", {"hidden_size": 8, "input_feeding": True}),
    "scheduled sampling": ("seq2seq", "pairs.tsv", {"hidden_size": 8, "teacher_forcing": 0.5}),
    "seq2seq Transformer": (
        "seq2seq",
        "pairs.tsv",
        {"model": "transformer", "num_layers": 1, "num_heads": 2},
    ),
    "bag": ("text_classification", "labelled.tsv", {"model": "bag", "word_dropout": 0.3}),
    "LSTM classifier": ("text_classification", "labelled.tsv", {"model": "lstm", "hidden_size": 8}),
    "Transformer classifier": (
        "text_classification",
        "labelled.tsv",
        {"model": "transformer", "num_layers": 1, "num_heads": 2},
    ),
    "tagger": ("sequence_labeling", "tagged.txt", {"hidden_size": 8}),
    "Transformer tagger": ("sequence_labeling", "tagged.txt", {"model": "transformer"}),
    "tagger on an encoder": ("sequence_labeling", "tagged.txt", {"init": "masked"}),
    "word vectors": (
        "embeddings",
        "text.txt",
        {"vector_size": 8, "min_count": 1, "sample": 0.0},
    ),
    "images": ("image_classification", "digits", {"model": "mlp"}),
}
UNLIKE = {"word vectors": "embedding_size dropout max_steps lr", "images": "embedding_size dropout"}


def _masked_run(folder: Path) -> Path:
    """A run whose encoder reads letters, so that words are several pieces."""
    run = folder / "masked"
    if not run.exists():
        words = [line.split()[0] for line in (folder / "tagged.txt").read_text("utf-8").split("\n") if line]
        (folder / "words.txt").write_text("\n".join(words * 4) + "\n", "utf-8")
        masked_language_modeling.train(
            masked_language_modeling.MaskedLanguageModelSettings(
                corpus=str(folder / "words.txt"), tokenizer="char", embedding_size=8, num_layers=1,
                num_heads=2, max_steps=1,
            ),
            run,
        )  # fmt: skip
    return run


def _make(name: str, folder: Path) -> Task:
    package, corpus, given = SETTINGS[name]
    module = importlib.import_module(f"seqkit.tasks.{package}.task")
    settings_class = next(
        value
        for key, value in vars(module).items()
        if key.endswith("Settings") and not key.startswith("Resolved")
    )
    values = {"corpus": corpus, "batch_size": 7, "embedding_size": 8, "dropout": 0.3, "max_steps": STEPS}
    values |= {"optimizer": "sgd", "lr": 0.5, "seed": 5, "epochs": 1}
    for field in UNLIKE.get(name, "").split():
        del values[field]
    values["corpus"] = str(folder / corpus) if "." in corpus else corpus
    if "init" in given:
        given = given | {"init": str(_masked_run(folder))}
    settings = settings_class(**values, **given)
    task: Task = module.make_task(settings, module.open_corpus(settings), Callback())
    return task


class _Losses(Callback):
    def __init__(self) -> None:
        self.values: list[float] = []

    def on_step(self, step: int, loss: float) -> None:
        self.values.append(loss)


def _train(task: Task, folder: Path, group: ProcessGroup) -> tuple[list[float], dict[str, np.ndarray]]:
    task.group = group
    task.load_initial_weights()
    task.validate = lambda poll: None  # type: ignore[method-assign]
    losses = _Losses()
    out = folder / f"run-{group.size}"
    run = RunDirectory.create(out, {"task": "test"}, {}) if group.is_first else RunDirectory(out, {})
    Trainer(task, run, losses).fit()
    return losses.values, {key: np.array(value) for key, value in task.model.state_dict().items()}


CASES = [(name, 2 + (i + more) % 2) for i, name in enumerate(SETTINGS) for more in (0, 1)]


@pytest.mark.parametrize(("name", "size"), some(CASES, 2))
def test_losses_and_weights_of_one_process(name: str, size: int, tmp_path: Path) -> None:
    _write_corpora(tmp_path)
    losses, weights = _train(_make(name, tmp_path), tmp_path, ProcessGroup())
    tasks = [_make(name, tmp_path) for _ in range(size)]
    results = together(size, lambda group: _train(tasks[group.rank], tmp_path, group))
    np.testing.assert_allclose(results[0][0], losses, rtol=1e-5)
    for key, expected in weights.items():
        np.testing.assert_allclose(results[0][1][key], expected, rtol=1e-3, atol=2e-5, err_msg=key)
        for _, others in results[1:]:
            np.testing.assert_array_equal(others[key], results[0][1][key])
