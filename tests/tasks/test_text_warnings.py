"""Text that does not fit its tokenizer is reported in training, in evaluation and by --dry-run."""

import importlib
import random
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from seqkit.data.text_check import mean_type_length, text_warning
from seqkit.errors import DataError
from seqkit.tasks import embeddings, language_modeling, masked_language_modeling, seq2seq, text_classification
from seqkit.text import Vocabulary, get_tokenizer
from seqkit.training import Callback

WORDS = ["我们", "今天", "学习", "机器", "翻译", "模型", "语言", "数据", "训练", "结果", "非常", "好看"]


class Messages(Callback):
    """Keep the warnings."""

    def __init__(self) -> None:
        self.warnings: list[str] = []

    def on_message(self, text: str) -> None:
        if text.startswith("warning:"):
            self.warnings.append(text)


def _clauses(count: int, seed: int = 0) -> list[str]:
    """Sentences of two clauses of characters without blanks between words."""
    draw = random.Random(seed)
    return ["，".join("".join(draw.choices(WORDS, k=5)) for _ in range(2)) + "。" for _ in range(count)]


QUICK: dict[str, Any] = {"max_steps": 1, "embedding_size": 8, "batch_size": 4}


def _settings(name: str, folder: Path, **given: Any) -> tuple[Any, Any]:
    texts = [re.sub("([，。])", r" \1 ", text).strip() for text in _clauses(120)]  # clauses as words
    plain = "\n".join(texts) + "\n"
    table = "".join(f"{'pn'[n % 2]}\t{text}\n" for n, text in enumerate(texts))
    pairs = "".join(f"{a}\t{b}\n" for a, b in zip(texts, reversed(texts), strict=True))
    module, content, changes = {
        "language_modeling": (language_modeling, plain, QUICK),
        "masked_language_modeling": (
            masked_language_modeling,
            plain,
            {**QUICK, "num_heads": 2, "num_layers": 1},
        ),
        "seq2seq": (seq2seq, pairs, {**QUICK, "hidden_size": 8, "max_new_tokens": 3}),
        "text_classification": (text_classification, table, QUICK),
        "embeddings": (embeddings, plain, {"epochs": 1, "min_count": 5}),
    }[name]
    (folder / "data.tsv").write_text(content, "utf-8")
    settings = {
        "language_modeling": "LanguageModelSettings",
        "masked_language_modeling": "MaskedLanguageModelSettings",
        "seq2seq": "Seq2SeqSettings",
        "text_classification": "TextClassificationSettings",
        "embeddings": "EmbeddingSettings",
    }[name]
    return module, getattr(module, settings)(corpus=str(folder / "data.tsv"), **{**changes, **given})


@pytest.mark.parametrize(
    "name", ["language_modeling", "masked_language_modeling", "seq2seq", "text_classification", "embeddings"]
)
def test_every_task_warns_of_text_without_blanks(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEQKIT_CACHE", str(tmp_path / "cache"))
    module, settings = _settings(name, tmp_path, tokenizer="whitespace")
    messages = Messages()
    trained = module.train(settings, tmp_path / "run", callbacks=messages)
    assert any("are <unk>" in text and "char" in text for text in messages.warnings), messages.warnings
    if name != "embeddings":  # evaluated by analogies, not on a split
        told: list[str] = []
        trained.evaluate("test", on_message=told.append)
        assert told
        assert all("of the test" in text for text in told)


def test_long_types_are_reported_where_nothing_is_unknown() -> None:
    thai = Vocabulary(["เราเรียนภาษาไทยทุกวัน", "วันนี้อากาศดีมากเลยนะครับ", "<unk>"], eos=None)
    warning = text_warning({"train": (100, 0)}, thai, get_tokenizer("word"))
    assert warning is not None
    assert "characters on average" in warning
    assert "char or bpe" in warning


@pytest.mark.parametrize(("unk", "warned"), [(10, False), (11, True)])
def test_more_than_a_tenth_is_reported(unk: int, warned: bool) -> None:
    words = Vocabulary(["a", "word", "<unk>"], eos=None)
    assert (text_warning({"test": (100, unk)}, words, get_tokenizer("word")) is not None) == warned


def test_ordinary_text_and_long_words_of_german_are_not_reported() -> None:
    german = Vocabulary(
        ["Rechtsschutz", "Haftpflicht", "Donaudampfschifffahrt", "der", "die", "<unk>"], eos=None
    )
    assert mean_type_length(german) == pytest.approx(10)
    assert text_warning({"train": (100, 4)}, german, get_tokenizer("word")) is None


def test_the_tokenizers_that_are_named_fit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the remedy applied, nothing is reported."""
    monkeypatch.setenv("SEQKIT_CACHE", str(tmp_path / "cache"))
    (tmp_path / "text").write_text("\n".join(_clauses(120)), "utf-8")
    for tokenizer in ("char", "bpe"):
        messages = Messages()
        settings = language_modeling.LanguageModelSettings(
            corpus=str(tmp_path / "text"), tokenizer=tokenizer, vocab_size=400, **QUICK
        )
        trained = language_modeling.train(settings, tmp_path / tokenizer, callbacks=messages)
        trained.evaluate("test", on_message=messages.on_message)
        assert messages.warnings == []


def test_a_label_of_one_text_is_reported(tmp_path: Path) -> None:
    rows = "".join(f"{'pn'[n % 2]}\ta text {n}\n" for n in range(60))
    for split, more in (("train", "Stance\tOpinion\n"), ("valid", ""), ("test", "")):
        (tmp_path / f"{split}.tsv").write_text(more + rows)
    messages = Messages()
    settings = text_classification.TextClassificationSettings(corpus=str(tmp_path), min_count=1, **QUICK)
    text_classification.train(settings, tmp_path / "run", callbacks=messages)
    assert "only one text has the label 'Stance'" in " ".join(messages.warnings)


TEXT = "a cat sat\na dog ran\n" * 60
TASKS: dict[str, tuple[Any, Any, str]] = {
    "language_modeling": (language_modeling, language_modeling.LanguageModelSettings, TEXT),
    "masked_language_modeling": (
        masked_language_modeling,
        masked_language_modeling.MaskedLanguageModelSettings,
        TEXT,
    ),
    "seq2seq": (seq2seq, seq2seq.Seq2SeqSettings, "".join(f"{i} a\tb {i}\n" for i in range(60))),
    "text_classification": (
        text_classification,
        text_classification.TextClassificationSettings,
        "".join(f"{'pn'[i % 2]}\ttext {i}\n" for i in range(60)),
    ),
}


@pytest.mark.parametrize("name", TASKS)
def test_a_text_that_changes_while_it_is_read_leaves_no_run(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEQKIT_CACHE", str(tmp_path / "cache"))
    task, settings, text = TASKS[name]
    data = tmp_path / "data.tsv"
    data.write_text(text)
    encoder = {"seq2seq": "encode_seq2seq", "text_classification": "encode_labelled"}.get(name)
    module = f"seqkit.tasks.{name}.data.{encoder}" if encoder else "seqkit.tasks.text.text_tokenizer"
    original: Callable[..., Any] = _attribute(module)

    def edit_behind(*args: Any, **options: Any) -> Any:
        result = original(*args, **options)
        time.sleep(0.02)
        data.write_text(text.replace("a", "o"))
        return result

    monkeypatch.setattr(module, edit_behind)
    with pytest.raises(DataError, match="were changed while they were read"):
        task.train(settings(corpus=str(data), max_steps=1), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def _attribute(path: str) -> Any:
    module, _, name = path.rpartition(".")
    return getattr(importlib.import_module(module), name)
