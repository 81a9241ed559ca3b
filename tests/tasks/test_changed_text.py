"""A text that changes while a task reads it: no run, and no tokens, under the key of the old text."""

import importlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from seqkit.errors import DataError
from seqkit.tasks import language_modeling, masked_language_modeling, seq2seq, text_classification

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
