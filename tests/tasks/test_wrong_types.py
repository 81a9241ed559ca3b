"""Settings and texts of another type are refused where they are given, not taken for what they resemble."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seqkit.errors import UsageError
from seqkit.tasks import language_modeling as lm
from seqkit.tasks.runs import require_texts
from seqkit.tasks.sequence_labeling import SequenceLabelingSettings


@pytest.mark.parametrize(
    "values",
    [
        {"epochs": 2.5}, {"epochs": True}, {"lr": "fast"}, {"lr": False}, {"batch_size": "8"},
        {"seed": 1.5}, {"locked_dropout": "no"}, {"locked_dropout": 0}, {"corpus": None}, {"corpus": 5},
        {"max_time": "1h"}, {"num_layers": [2]}, {"corpus": b"text"},
    ],
    ids=str,
)  # fmt: skip
@pytest.mark.parametrize("settings", [lm.LanguageModelSettings, SequenceLabelingSettings])
def test_settings_have_their_types(settings: Any, values: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=f"expected {next(iter(values))}.* to be .* got"):
        settings(**values)


def test_numbers_of_numpy_and_paths_become_pythons() -> None:
    settings = lm.LanguageModelSettings(
        corpus=Path("text.txt"),
        epochs=np.int64(3),
        lr=np.float32(0.5),
        tied=True,  # type: ignore[arg-type]
    )
    values = settings.to_dict()
    assert [type(values[name]) for name in ("corpus", "epochs", "lr", "tied")] == [str, int, float, bool]


@pytest.mark.parametrize("texts", ["a text", b"a text", [None], [1], [b"a"], [["a", "text"]]])
def test_texts_are_a_list_of_strings(texts: Any) -> None:
    with pytest.raises(UsageError, match="expected texts to be a list of strings, got"):
        require_texts(texts)


def test_texts_may_be_read_once() -> None:
    assert require_texts(iter(["a", "b"])) == ["a", "b"]


def test_a_language_model_scores_lines_and_not_letters(tmp_path: Path) -> None:
    text = tmp_path / "a.txt"
    text.write_text("a b c\nb c a\n" * 40)
    run = lm.train(lm.LanguageModelSettings(corpus=str(text), model="kneser-ney", order=2), tmp_path / "run")
    for wrong in ("a b", [None]):
        with pytest.raises(UsageError, match="expected texts to be a list of strings"):
            list(run.score(wrong))  # type: ignore[arg-type]
    for prompt, stop in ((["a"], None), ("a", "bc")):
        with pytest.raises(UsageError, match="expected texts to be a list of strings"):
            run.generate(prompt, stop=stop)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="batch_size"):
        run.evaluate(batch_size=0)
