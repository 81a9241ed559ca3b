"""Classifiers that start from checkpoint folders: what they read, by hand; then they need no folder."""

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import seqkit
from seqkit.backend.random import Generator
from seqkit.errors import RunError, TrainingInterrupted, UsageError
from seqkit.models import TransformerEncoder, TransformerEncoderConfig, bert
from seqkit.tasks.text_classification import TextClassificationSettings, TrainedTextClassifier, train
from tests.models.folders import POSITIONS, TOKENS, VECTORS, hidden_of, write_bert
from tests.tasks.test_seq2seq import Notes
from tests.text.test_checkpoint_tokenizers import ROBERTA, merges_folder

pytest.importorskip("tokenizers")

QUICK: dict[str, Any] = {"batch_size": 16, "epochs": 3, "lr": 0.02, "dropout": 0.0, "eval_batch_size": 7}


def write_data(path: Path, *words: str, longest: int = 6) -> Path:
    """Lines of two words; whichever is more frequent is the label."""
    source = random.Random(0)
    lines = set()
    while len(lines) < 90:
        text = source.choices(words, k=source.randint(1, longest))
        if text.count(words[0]) != text.count(words[1]):
            lines.add(f"{max(words, key=text.count)}\t{' '.join(text)}\n")
    path.write_text("".join(sorted(lines)))
    return path


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return write_data(tmp_path / "data.tsv", "up", "down", longest=POSITIONS - 2)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_bert(tmp_path / "bert", hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)


def trained(data: Path, init: Path, out: Path, callback: Any = None, **changes: Any) -> TrainedTextClassifier:
    settings = TextClassificationSettings(corpus=str(data), init=str(init), **{**QUICK, **changes})
    return train(settings, out, callbacks=callback)


def log_softmax(x: np.ndarray) -> np.ndarray:
    return x - np.log(np.exp(x).sum(axis=-1, keepdims=True))


@pytest.mark.parametrize(
    ("pooling", "pooled"),
    [(None, lambda h: h[0]), ("mean", lambda h: h.mean(axis=0))],
    ids=["as usual", "mean"],
)
def test_a_frozen_encoder_by_hand(
    data: Path, folder: Path, tmp_path: Path, pooling: str | None, pooled: Any
) -> None:
    run = trained(data, folder, tmp_path / "run", freeze=True, pooling=pooling)
    assert run.settings.pooling == (pooling or "cls")
    output = run.model.output
    for text in (["up", "down", "down"], ["up"], ["down", "up", "##s"]):
        ids = [TOKENS.index(token) for token in ("[CLS]", *text, "[SEP]")]
        expected = log_softmax(output.weight.data @ pooled(hidden_of(VECTORS[ids])) + output.bias.data)
        found = run.log_probs([" ".join(text).replace(" ##", "")])[0]
        np.testing.assert_allclose(found, expected, atol=1e-5)
    for name, array in bert.load(folder).state_dict().items():
        if not name.startswith("pooler"):
            np.testing.assert_array_equal(run.model.encoder.encoder.state_dict()[name], array)


def test_a_run_needs_no_folder_once_it_is_trained(data: Path, folder: Path, tmp_path: Path) -> None:
    whole = trained(data, folder, tmp_path / "whole")
    assert whole.evaluate().accuracy > 0.8
    start = bert.load(folder).state_dict()
    learned = whole.model.encoder.encoder.state_dict()
    assert not np.array_equal(learned["embedding.tokens.weight"], start["embedding.tokens.weight"])
    with pytest.raises(TrainingInterrupted):
        trained(data, folder, tmp_path / "run", Notes(stop_after=1))
    folder.rename(tmp_path / "away")
    done = train(TextClassificationSettings(), tmp_path / "run", resume=True)
    for name, array in whole.model.state_dict().items():
        np.testing.assert_array_equal(done.model.state_dict()[name], array)
    again = seqkit.load(tmp_path / "whole")
    assert again.evaluate().loss == whole.evaluate().loss
    texts = ["up up down", "down", "up " * 20, "unheard of"]
    np.testing.assert_array_equal(again.log_probs(texts), whole.log_probs(texts))
    assert (again.tokenizer, again.vocabulary) == (whole.tokenizer, whole.vocabulary)
    other = trained(data, tmp_path / "whole", tmp_path / "other", freeze=True)  # its encoder serves again
    np.testing.assert_array_equal(
        other.model.encoder.encoder.state_dict()["embedding.tokens.weight"],
        learned["embedding.tokens.weight"],
    )


def test_long_texts_are_cut_between_their_special_tokens(folder: Path, tmp_path: Path) -> None:
    data = write_data(tmp_path / "data.tsv", "up", "down", longest=25)
    too_long = sum(len(line.split()) - 1 > POSITIONS - 2 for line in data.read_text().splitlines())
    notes = Notes()
    run = trained(data, folder, tmp_path / "run", notes, epochs=1, max_length=100)
    assert [f"{too_long} truncated to the greatest" in text for text in notes.messages].count(True) == 1
    assert run.settings.max_length == POSITIONS
    for texts in run.encoded().splits.values():
        rows = [texts.text_ids(row).tolist() for row in range(len(texts))]
        assert {(row[0], row[-1]) for row in rows} == {(TOKENS.index("[CLS]"), TOKENS.index("[SEP]"))}
        assert max(map(len, rows)) == POSITIONS
    shorter = trained(data, folder, tmp_path / "shorter", epochs=1, max_length=4)
    assert max(np.diff(shorter.encoded().splits["train"].offsets)) == 4
    np.testing.assert_array_equal(*(shorter.log_probs([text]) for text in ("up down up down", "up down")))


def test_the_rest_is_as_suits_what_is_trained(data: Path, tmp_path: Path) -> None:
    """Adam goes slowly, where it is not told how; the encoder keeps the dropout that its folder says."""
    folder = write_bert(tmp_path / "bert")
    changes = {"epochs": 1, "lr": None, "dropout": 0.5}
    tuned = trained(data, folder, tmp_path / "tuned", **changes)
    assert (tuned.settings.lr, tuned.settings.tokenizer) == (5e-5, "wordpiece")
    assert (tuned.model.config.dropout, tuned.model.config.encoder.dropout) == (0.5, 0.1)
    assert trained(data, folder, tmp_path / "head", freeze=True, **changes).settings.lr == 0.001
    assert trained(data, folder, tmp_path / "sgd", optimizer="sgd", **changes).settings.lr == 1.0


@pytest.mark.parametrize("kind", ["roberta", "distilbert"])
def test_other_architectures(kind: str, tmp_path: Path) -> None:
    """With more vectors than tokens, as folders may have."""
    layout = {"position_offset": 2, "token_types": 1} if kind == "roberta" else {}
    config = TransformerEncoderConfig(
        len(ROBERTA) + 3, embedding_size=8, hidden_size=12, num_layers=1, num_heads=2, max_length=9, **layout
    )
    bert.save(TransformerEncoder(config, generator=Generator(3)), tmp_path / kind)
    merges_folder(tmp_path / kind, *ROBERTA)
    data = write_data(tmp_path / "data.tsv", "low", "roe")
    run = trained(data, tmp_path / kind, tmp_path / "run", epochs=1)
    again = seqkit.load(tmp_path / "run")
    assert len(again.vocabulary) == config.vocab_size
    assert again.encoded().splits["train"].text_ids(0)[[0, -1]].tolist() == [0, 2]
    assert again.model.config.encoder.to_dict() == {**config.to_dict(), "attention_dropout": 0.0}
    texts = ["low roe", "lower"]
    np.testing.assert_array_equal(again.log_probs(texts), run.log_probs(texts))


def test_what_is_refused_leaves_no_run(data: Path, folder: Path, tmp_path: Path) -> None:
    for changes, said in (
        ({"max_length": 2}, "leaves no room beside 2 special tokens"),
        ({"model": "lstm"}, "expected model to be transformer, as in the encoder, got lstm"),
        ({"tokenizer": "word"}, "expected tokenizer to be wordpiece, as in the encoder, got word"),
        ({"lowercase": True}, "expected lowercase to be False, as in the encoder, got True"),
        ({"pooling": "last"}, "expected pooling to be one of mean, cls, max"),
    ):
        with pytest.raises(UsageError, match=said):
            trained(data, folder, tmp_path / "run", **changes)

    def refused(said: str) -> None:
        with pytest.raises(RunError, match=said) as caught:
            trained(data, folder, tmp_path / "run")
        assert caught.value.remedy
        assert not (tmp_path / "run").exists()

    vocabulary, config = folder / "vocab.txt", folder / "config.json"
    vocabulary.write_text(vocabulary.read_text() + "more\n")
    refused("expected a tokenizer with at most 7 tokens, the model's word embeddings, got 8")
    vocabulary.unlink()
    refused(r"neither tokenizer.json nor vocab.txt nor vocab.json is there")
    whole = json.loads(config.read_text())
    config.write_text(json.dumps({**whole, "vocab_size": 10**12}))  # no list of names is made of that
    refused(r"has shape \(7, 4\), expected \(1000000000000, 4\)")
    config.write_text(json.dumps({**whole, "model_type": "gpt2"}))
    refused("of type 'gpt2', expected one of distilbert, bert")
    config.write_text("{")
    refused(r"config.json is damaged: no JSON")
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-9])
    config.write_text(json.dumps(whole))
    refused(r"model.safetensors is damaged")
    weights.rename(folder / "pytorch_model.bin")
    refused(r"pickle can run any code.*save_pretrained")
    config.unlink()
    refused(r"config.json is missing.*; give a folder with")
    (folder / "pytorch_model.bin").unlink()
    refused("no run and no checkpoint folder at")
