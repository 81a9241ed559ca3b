"""Space files: what they may hold, and the message for each mistake."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from seqkit.errors import DataError, UsageError
from seqkit.search import Space
from seqkit.tasks.language_modeling import LanguageModelSettings
from seqkit.tasks.text_classification import TextClassificationSettings

TEXT = """
lr = { log = [0.001, 0.1] }
emsize = { integer = [16, 64], step = 16 }
nhid = { log-integer = [8, 64] }
model = { categorical = ["lstm", "transformer"] }
tied = { categorical = [true, false] }
epochs = { fixed = 3 }
clip = { uniform = [0.25, 1], step = 0.25 }
"""


class Draws:
    """An Optuna trial that draws the first choice named, or the low end, and keeps its calls."""

    def __init__(self, **choices: Any) -> None:
        self.choices, self.calls = choices, []  # type: ignore[var-annotated]

    def suggest_categorical(self, name: str, choices: Any) -> Any:
        self.calls.append((name, choices))
        return self.choices.get(name, choices[0])

    def suggest_float(self, name: str, low: float, high: float, **options: Any) -> float:
        self.calls.append((name, low, high, options))
        return low

    def suggest_int(self, name: str, low: int, high: int, **options: Any) -> int:
        self.calls.append((name, low, high, options))
        return low


def read(text: str, settings: Any = None) -> Space:
    Path("space.toml").write_text(text, "utf-8")
    return Space.read("space.toml", settings or LanguageModelSettings())


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_each_type_asks_optuna_for_its_range() -> None:
    space, trial = read(TEXT, LanguageModelSettings(num_layers=1)), Draws()
    values = space.suggest(trial)
    assert trial.calls == [
        ("model", ("lstm", "transformer")),
        ("tied", (True, False)),
        ("lr", 0.001, 0.1, {"step": None, "log": True}),
        ("emsize", 16, 64, {"step": 16, "log": False}),
        ("clip", 0.25, 1.0, {"step": 0.25, "log": False}),
    ]
    assert values == {
        "epochs": 3, "model": "lstm", "tied": True, "lr": 0.001, "embedding_size": 16, "clip": 0.25,
    }  # fmt: skip
    settings = space.settings({**values, "tied": False})
    assert isinstance(settings, LanguageModelSettings)
    assert (settings.embedding_size, settings.epochs, settings.lr) == (16, 3, 0.001)


def test_tables_are_kept_as_written() -> None:
    space = read(TEXT)
    again = Space(space.to_dict(), LanguageModelSettings())
    assert again.parameters == space.parameters
    assert space.to_dict()["emsize"] == {"integer": [16, 64], "step": 16}


@pytest.mark.parametrize(("model", "asked"), [("lstm", False), ("transformer", True)])
def test_a_setting_without_effect_beside_the_choices_is_left_out(model: str, asked: bool) -> None:
    space = read('nhead = { integer = [1, 4] }\nmodel = { categorical = ["lstm", "transformer"] }')
    assert ("num_heads" in space.suggest(Draws(model=model))) is asked


def test_the_width_of_a_tied_layer_is_left_out() -> None:
    text = "nhid = { integer = [100, 200] }\ntied = { categorical = [true, false] }"
    space = read(text, LanguageModelSettings(num_layers=1))
    assert "hidden_size" not in space.suggest(Draws())
    assert space.suggest(Draws(tied=False))["hidden_size"] == 100


def test_a_value_without_effect_beside_later_ones_is_left_out() -> None:
    space = read("nhid = { integer = [100, 300] }\nnlayers = { integer = [1, 2] }")
    assert space.suggest(Draws()) == {"num_layers": 1}


MISTAKES = [
    ("lrr = { log = [0.1, 1] }", "unknown setting 'lrr', in space.toml; did you mean lr?"),
    ("lr = 0.1", "got 0.1, [lr] in space.toml; write lr = { fixed = 0.1 } for a fixed value"),
    ("lr = { exponential = [0.1, 1] }", "categorical, fixed, got exponential"),
    ("lr = { }", "got nothing"),
    ("lr = { log = [0.1, 1], uniform = [0, 1] }", "got uniform and log"),
    ("lr = { log = [0.1, 1], step = 0.1 }", "expected no 'step' beside log"),
    ("lr = { log = [1, 0.1] }", "expected low below high, got log = [1, 0.1]"),
    ("lr = { log = [0, 0.1] }", "expected a logarithmic range above 0"),
    ("lr = { log = 0.1 }", "expected log = [low, high], two numbers, got 0.1"),
    ('lr = { log = ["a", 1] }', "two numbers"),
    ("lr = { integer = [1, 4] }", "expected uniform or log or categorical for lr, which is float"),
    ("emsize = { uniform = [1, 4] }", "expected integer or log-integer or categorical for"),
    ("emsize = { integer = [1.5, 4] }", "two whole numbers"),
    ("emsize = { integer = [16, 64], step = 7 }", "expected a step that divides the range of 48, got 7"),
    ("emsize = { integer = [16, 64], step = 100 }", "expected a step above 0 and up to 48"),
    ("emsize = { integer = [0, 64] }", "expected embedding_size (--emsize) to be above 0, got 0, [emsize]"),
    ("dropout = { uniform = [0, 1.5] }", "expected dropout to be at least 0 and below 1, got 1.5"),
    ('model = { categorical = ["lstm"] }', "expected a list of different choices"),
    ('model = { categorical = ["lstm", 3] }', "expected model to be str, got 3"),
    ('model = { categorical = ["lstm", "cnn"] }', "expected model to be one of"),
    ("epochs = { fixed = 2.5 }", "expected epochs to be int, got 2.5"),
    ("epochs = { fixed = 2 }", "expected a setting to vary, got none"),
    ("emsize = { integer = [1, 4] }\nembedding_size = { integer = [1, 4] }", "expected one table for"),
    ("vocab_size = { integer = [10, 40] }", "scores can be compared, got vocab_size"),
    ("batch-size = { integer = [10, 40] }", "expected batch_size as a setting or in the space, got both"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "message"), MISTAKES, ids=range(len(MISTAKES)))
def test_mistakes_are_told_by_table(text: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        read(text, LanguageModelSettings(batch_size=8))
    assert message in str(caught.value)
    assert "space.toml" in str(caught.value)


def test_files_that_are_no_space() -> None:
    with pytest.raises(DataError, match=r"space\.toml is not valid TOML"):
        read("lr = {")
    with pytest.raises(DataError, match="cannot read absent"):
        Space.read("absent", LanguageModelSettings())


def test_classifiers_of_other_tokens_can_be_compared() -> None:
    space = Space({"vocab-size": {"integer": [10, 40]}}, TextClassificationSettings())
    assert space.suggest(Draws()) == {"vocab_size": 10}
