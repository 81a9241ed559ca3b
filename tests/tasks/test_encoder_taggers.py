"""Taggers on pretrained encoders: what they read at each word, by hand; then they need no folder."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import seqkit
from seqkit.data import PieceEncoder
from seqkit.errors import DamagedFileError, DataError, RunError, TrainingInterrupted, UsageError
from seqkit.models import bert
from seqkit.tasks import language_modeling, masked_language_modeling
from seqkit.tasks.sequence_labeling import SequenceLabelingSettings, TrainedTagger, train
from seqkit.text import SubwordTokenizer, get_tokenizer, load_tokenizer
from tests.models.folders import POSITIONS, TOKENS, VECTORS, hidden_of, write_bert
from tests.tasks.test_seq2seq import Notes
from tests.tasks.test_sequence_labeling import write_sentences
from tests.text.test_checkpoint_tokenizers import ROBERTA, merges_folder
from tests.training.tiny import write_corpus

pytest.importorskip("tokenizers")

QUICK: dict[str, Any] = {"batch_size": 8, "epochs": 2, "lr": 0.02, "dropout": 0.0, "eval_batch_size": 7}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Sentences of "up", "down" and "ups", which is two pieces; the tag is the word before."""
    source, lines = random.Random(0), []
    for _ in range(60):
        before = "START"
        for word in source.choices(("up", "down", "ups"), k=source.randint(1, 5)):
            lines.append(f"{word} {before}")
            before = word
        lines.append("")
    path = tmp_path / "tags.txt"
    path.write_text("\n".join(lines))
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_bert(tmp_path / "bert", hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)


def trained(data: Path, init: Path, out: Path, callback: Any = None, **changes: Any) -> TrainedTagger:
    settings = SequenceLabelingSettings(corpus=str(data), init=str(init), **{**QUICK, **changes})
    return train(settings, out, callbacks=callback)


def test_a_tag_is_read_at_the_first_piece_of_its_word(data: Path, folder: Path, tmp_path: Path) -> None:
    run = trained(data, folder, tmp_path / "run", freeze=True)
    assert (run.settings.model, run.settings.output, run.settings.characters) == (
        "transformer", "softmax", "none"
    )  # fmt: skip
    output = run.model.output
    sentences = [["up", "ups", "down"], ["down"], ["ups", "ups"]]
    for words in sentences:
        pieces = [piece for word in words for piece in ([word[:2], "##s"] if word == "ups" else [word])]
        ids = [TOKENS.index(token) for token in ("[CLS]", *pieces, "[SEP]")]
        first = [n for n, piece in enumerate(pieces, 1) if not piece.startswith("##")]
        hidden = hidden_of(VECTORS[ids])[first]
        scores = hidden @ output.weight.data.T + output.bias.data
        assert run.tag_words([words]) == [[run.labels[tag] for tag in scores.argmax(axis=1)]]
        found = [word.probability for word in run.tag([" ".join(words)], pretokenized=True)[0].words]
        chances = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
        np.testing.assert_allclose(found, chances.max(axis=1), atol=1e-5)
    assert run.tag_words(sentences) == [run.tag_words([words])[0] for words in sentences]
    for name, array in bert.load(folder).state_dict().items():
        if not name.startswith("pooler"):
            np.testing.assert_array_equal(run.model.encoder.state_dict()[name], array)


def test_a_run_needs_no_folder_once_it_is_trained(data: Path, folder: Path, tmp_path: Path) -> None:
    whole = trained(data, folder, tmp_path / "whole")
    with pytest.raises(TrainingInterrupted):
        trained(data, folder, tmp_path / "run", Notes(stop_after=1))
    folder.rename(tmp_path / "away")
    done = train(SequenceLabelingSettings(), tmp_path / "run", resume=True)
    for name, array in whole.model.state_dict().items():
        np.testing.assert_array_equal(done.model.state_dict()[name], array)
    again = seqkit.load(tmp_path / "whole")
    assert again.evaluate().loss == whole.evaluate().loss
    further = trained(data, tmp_path / "whole", tmp_path / "further", epochs=1, lr=1e-12)
    assert further.evaluate().loss == pytest.approx(whole.evaluate().loss, rel=1e-4)


@pytest.mark.parametrize("tokenizer", ["word", "wordpiece", "bpe", "char"])
def test_the_encoder_of_a_masked_model(tmp_path: Path, tokenizer: str) -> None:
    names = write_sentences(tmp_path / "names.conll", count=40)
    words = [line.split()[0] for line in names.read_text().splitlines() if line]
    text = write_corpus(tmp_path / "text.txt", lines=30, seed=0)
    text.write_text(text.read_text() + " ".join(words) + "\n")
    vocab_size = {"wordpiece": 120, "bpe": 300}.get(tokenizer)
    settings = masked_language_modeling.MaskedLanguageModelSettings(
        corpus=str(text), tokenizer=tokenizer, embedding_size=8, hidden_size=16, num_layers=1, num_heads=2,
        context_length=16, max_steps=2, batch_size=4, vocab_size=vocab_size,
    )  # fmt: skip
    masked = masked_language_modeling.train(settings, tmp_path / "masked")
    run = trained(names, tmp_path / "masked", tmp_path / "run", epochs=1, lr=1e-12)
    for name, array in masked.model.encoder.state_dict().items():
        np.testing.assert_allclose(run.model.encoder.state_dict()[name], array, atol=1e-6)
    # Longer than the 16 pieces that the encoder reads.
    long = ["Mr", "Smith", "x" * 60, *["said"] * 40]
    assert len(run.tag_words([long])[0]) == 43
    assert run.evaluate().spans is not None


@pytest.mark.parametrize("kind", ["bert", "roberta"])
def test_words_have_the_pieces_of_their_sentence(tmp_path: Path, kind: str) -> None:
    sentence = ["Café", "naïve", "U.S.A.", "can't", "—", "donaudampfschifffahrt", "3.14", "(sic)", "日本"]
    if kind == "bert":
        lines = [" ".join(sentence)] * 5
        tokenizer = get_tokenizer("wordpiece", lines=lambda: lines, vocab_size=60, lowercase=True)
    else:
        sentence = ["low", "lower", "wool", "lo"]
        tokenizer = load_tokenizer(merges_folder(tmp_path, *ROBERTA, tokenizer_class="RobertaTokenizer"))
    assert isinstance(tokenizer, SubwordTokenizer)
    text = (" " if kind == "roberta" else "") + " ".join(sentence)
    encoder = PieceEncoder.of(tokenizer.for_model(512), tokenizer.vocabulary(), 512)
    table = encoder.table(sentence)
    whole = tokenizer.encode([text], special_tokens=False)[0]
    assert table.letters.tolist() == whole
    assert len(table.ids) == len(sentence)
    assert encoder.sizes(table).sum() == len(whole)
    assert [*encoder.begin, *whole, *encoder.end] == tokenizer.encode([text])[0]


def test_words_without_a_piece_are_unknown(folder: Path, data: Path, tmp_path: Path) -> None:
    encoder = trained(data, folder, tmp_path / "run", epochs=1).encoder
    table = encoder.table(["up", "\u200b", "up" * 100])
    assert table.ids.tolist()[1] == TOKENS.index("[UNK]")
    assert encoder.sizes(table).max() <= POSITIONS - 2
    assert encoder.sizes(table).min() == 1


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"characters": "cnn"}, "characters has no effect"),
        ({"capitalization": True}, "capitalization has no effect"),
        ({"word_dropout": 0.1}, "word_dropout has no effect"),
        ({"locked_dropout": True}, "locked_dropout has no effect"),
        ({"grow_vocabulary": True}, "grow_vocabulary has no effect"),
        ({"min_count": 2}, "min_count has no effect"),
        ({"hidden_size": 5}, "expected hidden_size .* to be 3, as in the encoder, got 5"),
        ({"model": "lstm"}, "expected model to be transformer, as in the encoder, got lstm"),
        ({"model": "hmm"}, "expected model to be transformer|no effect"),
        ({"max_length": 2}, "leaves no room"),
    ],
)
def test_settings_of_words_are_refused(
    data: Path, folder: Path, tmp_path: Path, values: dict[str, Any], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        trained(data, folder, tmp_path / "run", **values)
    assert not (tmp_path / "run").exists()


def test_a_run_on_an_encoder_refuses_feature_columns(data: Path, folder: Path, tmp_path: Path) -> None:
    """Its pieces have no place for them: read and left out they would be ignored in silence."""
    trained(data, folder, tmp_path / "run", epochs=1)
    data.write_text("".join(f"{line}\n".replace(" ", " X ") for line in data.read_text().splitlines()))
    for init in (tmp_path / "run", folder):
        with pytest.raises(UsageError, match="feature_columns has no effect here: it is for taggers without"):
            trained(data, init, tmp_path / "other", feature_columns="2")
        assert not (tmp_path / "other").exists()


def test_what_is_no_encoder_is_refused(data: Path, tmp_path: Path) -> None:
    words = train(
        SequenceLabelingSettings(corpus=str(data), epochs=1, hidden_size=4, embedding_size=4),
        tmp_path / "words",
    )
    assert words.settings.init is None
    with pytest.raises(UsageError, match="freeze has no effect here: it is for vectors"):
        trained(data, tmp_path / "words", tmp_path / "run", freeze=True)
    with pytest.raises(RunError, match="no run and no checkpoint folder"):
        trained(data, tmp_path / "none", tmp_path / "run")
    run = tmp_path / "lm"
    text = write_corpus(tmp_path / "text.txt", lines=30, seed=0)
    seqkit.train_language_model(
        language_modeling.LanguageModelSettings(corpus=str(text), max_steps=1, embedding_size=4), run
    )
    with pytest.raises(RunError, match="has no encoder to start from"):
        trained(data, run, tmp_path / "run")


def test_text_without_blanks_is_refused_as_by_taggers_of_words(
    data: Path, folder: Path, tmp_path: Path
) -> None:
    chinese = tmp_path / "chinese.txt"
    chinese.write_text("".join(f"北京 A\n大学 B\n{chr(0x4E00 + n)}们 B\n\n" for n in range(60)), "utf-8")
    run = trained(chinese, folder, tmp_path / "run", epochs=1)
    assert seqkit.load(tmp_path / "run").encoder.unspaced == run.encoder.unspaced
    assert run.encoder.unspaced.longest == 2
    with pytest.raises(DataError, match="blanks between them"):
        run.tag(["我们今天去北京大学看电影"])
    assert len(run.tag(["北京 大学"])[0].words) == 2


def test_a_config_that_contradicts_itself(data: Path, folder: Path, tmp_path: Path) -> None:
    trained(data, folder, tmp_path / "run", epochs=1)
    path = tmp_path / "run" / "config.json"
    config = json.loads(path.read_text("utf-8"))
    for change in ({"pieces": None}, {"unspaced_words": {"longest": "x"}}):
        changed = {name: value for name, value in (config | change).items() if value is not None}
        path.write_text(json.dumps(changed), "utf-8")
        with pytest.raises((DamagedFileError, RunError)):
            seqkit.load(tmp_path / "run")
