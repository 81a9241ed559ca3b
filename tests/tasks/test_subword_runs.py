"""Runs whose tokens are subwords that they learned themselves."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import seqkit
from seqkit.errors import DamagedFileError, RunError
from seqkit.models import gpt2
from seqkit.tasks import language_modeling, masked_language_modeling, text_classification
from seqkit.text import SUBWORDS, load_tokenizer
from tests.training.tiny import TINY, write_corpus

pytest.importorskip("tokenizers")

SETTINGS = {
    **{name: value for name, value in TINY.items() if name != "bptt"},
    "context_length": 5,
    "model": "transformer",
    "num_heads": 2,
    "num_layers": 1,
    "hidden_size": 16,
    "vocab_size": 300,
    "epochs": 1,
}


@pytest.fixture
def corpus(tmp_path: Path) -> str:
    return str(write_corpus(tmp_path / "corpus.txt"))


@pytest.mark.parametrize("name", SUBWORDS)
def test_a_language_model_of_subwords(name: str, corpus: str, tmp_path: Path) -> None:
    settings = language_modeling.LanguageModelSettings(**{**SETTINGS, "corpus": corpus, "tokenizer": name})
    trained = language_modeling.train(settings, tmp_path / "run")
    assert (tmp_path / "run" / "tokenizer.json").is_file()
    tokenizer = load_tokenizer(tmp_path / "run")
    line = "the big cat sat"
    ids = trained.vocabulary.encode(trained.tokenizer.tokenize(line)).tolist()
    assert [ids] == tokenizer.encode([line], special_tokens=False)
    again = seqkit.load(tmp_path / "run")
    assert (again.tokenizer, again.vocabulary) == (trained.tokenizer, trained.vocabulary)
    result = again.evaluate()
    assert (result.tokenizer, result.unk_fraction) == (name, 0)
    assert 1 < result.perplexity < 300
    [sample] = again.generate(prompt="the cat", max_new_tokens=5, seed=1)
    assert sample.text.startswith("the cat")
    language_modeling.train(settings, tmp_path / "run", resume=True, changes={"epochs": 2})
    assert json.loads((tmp_path / "run" / "log.jsonl").read_text().splitlines()[-1])["epoch"] == 2
    gpt2.save(again.model, tmp_path / "out")
    text = np.array([ids[:5]])  # of a context of 5
    np.testing.assert_array_equal(gpt2.load(tmp_path / "out")(text).data, again.model.eval()(text).data)


def test_a_run_is_resumed_with_its_own_subwords_alone(
    corpus: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another version of the library could learn others; a damaged file is noticed as every one is."""
    from seqkit.tasks import text

    settings = language_modeling.LanguageModelSettings(**{**SETTINGS, "corpus": corpus, "tokenizer": "bpe"})
    language_modeling.train(settings, tmp_path / "run")
    learn = text.get_tokenizer
    monkeypatch.setattr(text, "get_tokenizer", lambda *a, **s: learn(*a, **{**s, "vocab_size": 290}))
    with pytest.raises(RunError, match=r"expected vocab\.txt as in the run, got another"):
        language_modeling.train(settings, tmp_path / "run", resume=True, changes={"epochs": 2})
    file = tmp_path / "run" / "tokenizer.json"
    file.write_bytes(file.read_bytes()[:-9])
    with pytest.raises(DamagedFileError, match=r"tokenizer.json is damaged"):
        seqkit.load(tmp_path / "run")


def test_a_classifier_of_subwords_and_one_from_an_encoder(corpus: str, tmp_path: Path) -> None:
    data = tmp_path / "data.tsv"
    rows = [f"cats\tthe cat sat {i % 7}\ndogs\ta dog ran {i % 5}" for i in range(30)]
    data.write_text("\n".join(rows) + "\n")
    masked = masked_language_modeling.MaskedLanguageModelSettings(
        corpus=corpus, tokenizer="wordpiece", vocab_size=80, embedding_size=8, hidden_size=16, num_layers=1,
        num_heads=2, epochs=1, context_length=12, batch_size=4,
    )  # fmt: skip
    masked_language_modeling.train(masked, tmp_path / "masked")
    assert seqkit.load(tmp_path / "masked").evaluate().accuracy >= 0
    shared: dict[str, Any] = {"corpus": str(data), "epochs": 1, "batch_size": 8, "max_length": 9}
    for name, own in (
        ("own", {"tokenizer": "bpe", "vocab_size": 290, "model": "bag"}),
        ("from", {"init": str(tmp_path / "masked")}),
    ):
        run = tmp_path / name
        text_classification.train(text_classification.TextClassificationSettings(**shared, **own), run)
        assert (run / "tokenizer.json").is_file()
        assert {one.label for one in seqkit.load(run).classify(["the cat sat", "a dog"])} <= {"cats", "dogs"}
