"""Training taggers into run directories: what is learned, resumed, tagged, scored and refused."""

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import seqkit
from seqkit.errors import DamagedFileError, DataError, RunError, TrainingInterrupted, UsageError
from seqkit.tasks.sequence_labeling import SequenceLabelingSettings, TrainedTagger, load, train
from seqkit.tasks.sequence_labeling.data import untagged_columns
from seqkit.text.tag_schemes import find_spans
from seqkit.vectors import KeyedVectors
from tests.exhaustive import some
from tests.tasks.test_seq2seq import Notes

TITLES, NAMES, PLACES = ("Mr", "Dr"), ("Smith", "Jones", "Miller"), ("Paris", "New York", "Rome")
REST = ("saw", "and", "the", "old", "city", "of", "in", "went", "to", ".")


def write_sentences(path: Path, count: int = 200, seed: int = 0, scheme: str = "bio") -> Path:
    """Sentences with names behind titles, and places."""
    source = random.Random(seed)
    lines = []
    for _ in range(count):
        for _ in range(source.randint(2, 5)):
            lines += [f"{word} O" for word in source.choices(REST, k=source.randint(0, 3))]
            label = source.choice(("PER", "LOC"))
            words = (
                [source.choice(TITLES), source.choice(NAMES)]
                if label == "PER"
                else source.choice(PLACES).split()
            )
            first = "I" if scheme == "iob1" else "B"
            lines += [f"{word} {'I' if i else first}-{label}" for i, word in enumerate(words)]
            lines.append(f"{source.choice(REST)} O")
        lines.append("")
    path.write_text("\n".join(lines))
    return path


@pytest.fixture
def names(tmp_path: Path) -> Path:
    return write_sentences(tmp_path / "names.conll")


QUICK: dict[str, Any] = {
    "embedding_size": 12,
    "hidden_size": 10,
    "character_embedding_size": 5,
    "character_hidden_size": 6,
    "epochs": 4,
    "lr": 0.02,
    "dropout": 0.1,
}


def trained(data: Path, out: Path, callback: Any = None, **changes: Any) -> TrainedTagger:
    settings = SequenceLabelingSettings(corpus=str(data), **{**QUICK, **changes})
    return train(settings, out, callbacks=callback)


MODELS: list[dict[str, Any]] = [
    {},
    {"model": "gru", "characters": "lstm", "capitalization": False},
    {"model": "transformer", "hidden_size": 16, "num_heads": 2, "capitalization": False, "lr": 0.005},
    {"output": "softmax", "scheme": "bio", "locked_dropout": False},
]


@pytest.mark.parametrize("changes", some(MODELS, 2), ids=str)
def test_it_learns_and_opens_as_what_was_trained(
    names: Path, tmp_path: Path, changes: dict[str, Any]
) -> None:
    run = trained(names, tmp_path / "run", **{"epochs": 6, **changes})
    scores = run.evaluate()
    assert scores.split == "test"
    assert scores.accuracy > 0.95
    assert scores.spans is not None
    assert scores.spans.f1 > 0.9
    assert set(scores.by_type) == {"LOC", "PER"}
    assert sum(counts.true for counts in scores.by_type.values()) == scores.spans.true
    again = seqkit.load(tmp_path / "run")
    assert isinstance(again, TrainedTagger)
    text = "the old Dr  Jones went to New\tYork."
    (found,) = again.tag([text])
    assert [(span.label, span.text) for span in found.spans] == [("PER", "Dr  Jones"), ("LOC", "New\tYork")]
    for span in (*found.spans, *found.words):
        assert text[span.start : span.end] == span.text
        assert 0 < span.probability <= 1
    assert [word.tag for word in found.words][2:4] == ["B-PER", "I-PER"]


def test_tagging(names: Path, tmp_path: Path) -> None:
    run = trained(names, tmp_path / "run", epochs=6)
    texts = ["saw Mr Smith in Paris .", "", "   ", "in Rome .", "Zürich"]
    found = run.tag(texts, pretokenized=True)
    assert [text.text for text in found] == texts
    assert [len(text.words) for text in found] == [6, 0, 0, 3, 1]
    assert [span.label for span in found[0].spans] == ["PER", "LOC"]
    for text, together in zip(texts, found, strict=True):  # padding changes nothing
        (alone,) = run.tag([text], pretokenized=True)
        assert [word.tag for word in alone.words] == [word.tag for word in together.words]
        shares = [word.probability for word in together.words]
        assert [word.probability for word in alone.words] == pytest.approx(shares, abs=1e-5)
    tags = run.tag_words([["saw", "Mr", "Smith"], ["in", "Rome"]])
    assert tags == [["O", "B-PER", "I-PER"], ["O", "B-LOC"]]
    assert run.tag([]) == []
    long = " ".join(["saw Mr Smith in Paris ."] * 300)  # beyond max_length
    assert len(run.tag([long], pretokenized=True)[0].words) == 1800
    with pytest.raises(UsageError, match="expected texts to be a list of strings, got a string"):
        run.tag("fine")
    with pytest.raises(DataError, match="expected a sentence of words, got an empty one, sentence 2"):
        run.tag_words([["a"], []])


def test_tags_are_given_in_the_scheme_of_the_corpus(tmp_path: Path) -> None:
    run = trained(write_sentences(tmp_path / "a.conll", scheme="iob1"), tmp_path / "run", epochs=6)
    assert (run.input_scheme, run.settings.scheme) == ("iob1", "bioes")
    assert run.tag_words([["Mr", "Smith", "in", "Rome"]]) == [["I-PER", "I-PER", "O", "I-LOC"]]
    scores = run.evaluate("valid")
    assert scores.accuracy > 0.95


def test_parts_of_speech(tmp_path: Path) -> None:
    """Tags without spans: each word on its own, chosen by accuracy; scores of unknown words apart."""
    source = random.Random(1)
    rows = []
    for n in range(150):
        noun = f"noun{chr(97 + n % 60 // 8)}{chr(97 + n % 60 % 8)}"
        rows += ["the DET", f"{noun} NOUN", f"{source.choice(('runs', 'sees'))} VERB", ""]
    (tmp_path / "a.conll").write_text("\n".join(rows))
    run = trained(tmp_path / "a.conll", tmp_path / "run")
    assert (run.settings.output, run.settings.input_scheme) == ("softmax", "none")
    scores = run.evaluate()
    assert scores.spans is None
    assert scores.accuracy > 0.95
    assert 0 < scores.known_words < scores.words
    found = run.tag(["the noun999 runs"])[0]
    assert [word.tag for word in found.words] == ["DET", "NOUN", "VERB"]
    assert [span.label for span in found.spans] == ["DET", "NOUN", "VERB"]


def test_scores_by_hand(names: Path, tmp_path: Path) -> None:
    """Accuracy, spans and confusions follow from the tags that the tagger gives."""
    run = trained(names, tmp_path / "run", epochs=1)
    scores = run.evaluate("train")
    sentences = list(seqkit.corpora.open_tagged(names).sentences("train"))
    guesses = run.tag_words([s.words for s in sentences])
    both = list(zip([s.tags for s in sentences], guesses, strict=True))
    pairs = [pair for true, tags in both for pair in zip(true, tags, strict=True)]
    assert scores.words == scores.known_words == len(pairs)
    assert scores.accuracy == pytest.approx(np.mean([true == guess for true, guess in pairs]))
    right = sum(len(set(find_spans(true)) & set(find_spans(tags))) for true, tags in both)
    assert scores.spans is not None
    assert scores.spans.correct == right
    assert sum(count for _, _, count in scores.confusions) == sum(t != p for t, p in pairs)


@pytest.mark.parametrize(("model", "least"), [("frequent", 0.9), ("hmm", 0.98)])
def test_models_of_counts(names: Path, tmp_path: Path, model: str, least: float) -> None:
    settings = SequenceLabelingSettings(corpus=str(names), model=model)
    run = train(settings, tmp_path / "run")
    scores = run.evaluate()
    assert scores.accuracy >= least
    assert scores.loss is None
    assert scores.spans is not None
    (found,) = load(tmp_path / "run").tag(["saw Mr Miller in Rome"])
    assert [span.label for span in found.spans] == ["PER", "LOC"]
    assert found.words[0].probability is None
    train(settings, tmp_path / "run", resume=True)
    with pytest.raises(UsageError, match="hidden_size has no effect here: it is for neural models"):
        SequenceLabelingSettings(model=model, hidden_size=7)


def test_the_log_and_the_best_weights(names: Path, tmp_path: Path) -> None:
    notes = Notes()
    run = trained(names, tmp_path / "run", notes)
    records = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    ends = [record for record in records if "valid_f1" in record]
    assert [record["epoch"] for record in ends] == [1, 2, 3, 4]
    best = max(record["valid_f1"] for record in ends)
    scores = run.evaluate("valid")
    assert scores.spans is not None
    assert scores.spans.f1 == pytest.approx(best)
    assert run.run.best["scores"]["f1"] == best
    assert any("5 tags" not in text and "bio, learned as bioes" in text for text in notes.messages)


@pytest.mark.parametrize("changes", [{}, {"model": "transformer", "hidden_size": 8}], ids=str)
def test_a_stopped_run_goes_on_with_the_same_bits(
    names: Path, tmp_path: Path, changes: dict[str, Any]
) -> None:
    settings = SequenceLabelingSettings(corpus=str(names), **{**QUICK, "epochs": 3, **changes})
    whole = train(settings, tmp_path / "whole")
    with pytest.raises(TrainingInterrupted):
        train(settings, tmp_path / "run", callbacks=Notes(stop_after=1))
    done = train(settings, tmp_path / "run", resume=True)
    for name, array in whole.model.state_dict().items():
        np.testing.assert_array_equal(done.model.state_dict()[name], array)


@pytest.mark.parametrize("freeze", [False, True])
def test_word_vectors_are_where_it_starts(names: Path, tmp_path: Path, freeze: bool) -> None:
    table = KeyedVectors(6)
    words = ["paris", "Berlin", "smith"]
    table.add_vectors(words, np.random.default_rng(0).standard_normal((3, 6)).astype(np.float32))
    table.save(tmp_path / "vectors.safetensors")
    settings = {"embedding_size": None, "vectors": str(tmp_path / "vectors.safetensors"), "freeze": freeze}
    notes = Notes()
    run = trained(names, tmp_path / "run", notes, **settings)
    assert run.model.embedding.weight.shape[1] == 6
    assert "berlin" in run.encoder.words  # no training sentence has it
    rows = [run.encoder.words.id(word) for word in ("paris", "smith")]
    kept = np.array_equal(run.model.embedding.weight.data[rows], table.vectors[[0, 2]])
    assert kept == freeze
    assert any(" start from " in text for text in notes.messages)
    with pytest.raises(UsageError, match=r"expected embedding_size \(--emsize\) to be 6"):
        trained(names, tmp_path / "other", vectors=settings["vectors"])


def test_held_out_tags_that_training_lacks(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    write_sentences(folder / "train.conll")
    write_sentences(folder / "valid.conll", 10, seed=1)
    with (folder / "valid.conll").open("a") as file:
        file.write("\nthe O\nGNU B-ORG\n")
    notes = Notes()
    run = trained(folder, tmp_path / "run", notes, epochs=1)
    assert any("1 held-out words have a tag" in text and "S-ORG" in text for text in notes.messages)
    scores = run.evaluate()
    assert scores.split == "valid"
    assert scores.by_type["ORG"].true == 1
    assert scores.by_type["ORG"].correct == 0
    assert np.isfinite(scores.loss)
    with pytest.raises(DataError, match="expected split to be one of train, valid, got 'test'"):
        run.evaluate("test")


def test_other_sentences_are_evaluated_as_a_whole_or_by_split(tmp_path: Path) -> None:
    path = write_sentences(tmp_path / "sentences.txt", count=60)
    tagger = train(SequenceLabelingSettings(corpus=str(path), model="frequent"), tmp_path / "run")
    other = write_sentences(tmp_path / "other.txt", count=30, seed=5)
    scores = tagger.evaluate(corpus=other)
    assert (scores.split, scores.sentences) == ("test", 30)
    assert tagger.evaluate("valid", corpus=other).sentences < 30


def test_bad_input(names: Path, tmp_path: Path) -> None:
    good = names.read_text()
    names.write_text(good + "\nlonely\n")
    with pytest.raises(DataError, match=r"expected 2 columns as in line 1, got 1, .*names\.conll, line \d+"):
        trained(names, tmp_path / "run")
    names.write_text(good + "\nthe O\nend I-PER\n")
    with pytest.raises(
        DataError, match=r"got I-PER behind O, .*names\.conll, line \d+; correct it, or give on_b"
    ):
        trained(names, tmp_path / "run")
    assert not (tmp_path / "run").exists()
    notes = Notes()
    trained(names, tmp_path / "run", notes, on_broken_tags="repair", epochs=1)
    assert any("1 sentences repaired" in text for text in notes.messages)


def test_a_sentence_of_ten_thousand_words(names: Path, tmp_path: Path) -> None:
    with names.open("a") as file:
        file.write("\n" + "the O\nMr B-PER\nSmith I-PER\n" * 3400)
    run = trained(names, tmp_path / "run", epochs=1)
    tags = run.tag_words([["the", "Mr", "Smith"] * 3500])
    assert len(tags[0]) == 10_500
    assert sum(run.evaluate(split).words for split in ("train", "valid", "test")) > 10_500


def test_damage_is_found(names: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    trained(names, run, epochs=1)
    for name in ("labels.txt", "vocab.txt", "letters.vocab.txt", "model.safetensors", "config.json"):
        whole = (run / name).read_bytes()
        (run / name).write_bytes(whole[:-2] + b"x\n")
        with pytest.raises(DamagedFileError, match=name):
            load(run)
        (run / name).write_bytes(whole)
    load(run)
    with pytest.raises(RunError):
        load(tmp_path)
    write_sentences(names, seed=9)
    with pytest.raises(DataError, match="has changed since"):
        load(run).evaluate()


def test_mistakes() -> None:
    for values, said in (
        ({"model": "svm"}, "expected model to be one of"),
        ({"scheme": "iob"}, "expected scheme to be one of iob1, bio, bioes, got 'iob'"),
        ({"dropout": 1.0}, "expected dropout to be at least 0 and below 1"),
        ({"word_dropout": -1.0}, "expected word_dropout to be at least 0"),
        ({"freeze": True}, "expected vectors or init with freeze, got neither"),
        ({"num_heads": 2}, "num_heads has no effect here: it is for Transformers"),
        ({"characters": "none", "character_hidden_size": 3}, "character_hidden_size has no effect here"),
    ):
        with pytest.raises(UsageError, match=said):
            SequenceLabelingSettings.from_values(values)


def counted(data: Path, out: Path, notes: Notes, **changes: Any) -> TrainedTagger:
    settings = SequenceLabelingSettings(corpus=str(data), model="frequent", **changes)
    return train(settings, out, callbacks=notes)


def write_tags(path: Path, words: str, cut: str = " ") -> Path:
    rows = [f"{word}\t{'NV'[i % 2]}" for i, word in enumerate(words.split(cut) if cut else words)]
    path.write_text(
        "\n\n".join("\n".join(random.Random(n).sample(rows, len(rows))) for n in range(40)) + "\n"
    )
    return path


@pytest.mark.parametrize(
    ("words", "raw"),
    [
        ("สวัสดี ครับ วันนี้ อากาศ ดีมาก", "สวัสดีครับวันนี้"),
        ("今天 天气 很 好", "今天天气很好"),
        ("ພວກ ເຮົາ ໄປ ຕະຫຼາດ", "ພວກເຮົາໄປຕະຫຼາດ"),
        ("យើង ទៅ ផ្សារ", "យើងទៅផ្សារ"),
    ],
)
def test_raw_text_without_blanks_is_refused(words: str, raw: str, tmp_path: Path) -> None:
    notes = Notes()
    run = counted(write_tags(tmp_path / "a.conll", words), tmp_path / "run", notes)
    assert any("--pretokenized" in message for message in notes.messages)
    with pytest.raises(DataError, match="expected words with blanks between them"):
        run.tag([raw])
    assert [word.text for word in run.tag([words])[0].words] == words.split()
    assert len(run.tag([raw], pretokenized=True)[0].words) == 1
    assert run.tag(
        [f"it is written on the board as {words.split()[0]}x"]
    )  # a name in a text of another script


def test_words_of_one_character_are_found_in_raw_text(tmp_path: Path) -> None:
    data = write_tags(tmp_path / "a.conll", "今天天气很好我们去市场", "")
    notes = Notes()
    run = counted(data, tmp_path / "a", notes)
    assert not any("warning" in message for message in notes.messages)
    assert [word.text for word in run.tag(["今天很好"])[0].words] == list("今天很好")
    notes = Notes()
    run = counted(data, tmp_path / "b", notes, tokenizer="char")
    assert not any("warning" in message for message in notes.messages)
    assert [word.text for word in run.tag(["今天很好"])[0].words] == list("今天很好")


def test_swapped_columns_are_reported(names: Path, tmp_path: Path) -> None:
    notes = Notes()
    counted(names, tmp_path / "run", notes, word_column="2", tag_column="1")
    assert any("are the columns swapped?" in message for message in notes.messages)


def test_accuracy_of_no_words_is_none(names: Path, tmp_path: Path) -> None:
    scores = counted(names, tmp_path / "run", Notes()).evaluate()
    assert scores.known_words == scores.words
    assert scores.unknown_accuracy is None
    assert scores.to_dict()["unknown_accuracy"] is None


def write_values(path: Path, count: int = 120, seed: int = 0) -> Path:
    """Sentences whose tags follow from their second column alone."""
    source = random.Random(seed)
    rows = []
    for _ in range(count):
        for word in source.choices(REST, k=source.randint(2, 6)):
            value = source.choice("NVD")
            rows.append(f"{word} {value} {'B-X' if value == 'N' else 'O'}")
        rows.append("")
    path.write_text("\n".join(rows))
    return path


def test_feature_columns_are_read(tmp_path: Path) -> None:
    data = write_values(tmp_path / "a.conll")
    words = trained(data, tmp_path / "words")
    assert words.evaluate().accuracy < 0.9
    run = trained(data, tmp_path / "run", feature_columns="2", feature_size=6)
    assert run.evaluate().accuracy == 1
    again = load(tmp_path / "run")
    sentences, values = [["the", "old"], ["city"]], [[["N", "V"]], [["N"]]]
    assert again.tag_words(sentences, values) == [["B-X", "O"], ["B-X"]]
    (first, second) = again.tag_sentences(sentences, values)
    assert [(span.text, span.start, span.label) for span in first.spans] == [("the", 0, "X")]
    assert (first.text, first.words[1].start, first.words[1].end) == ("the old", 4, 7)
    assert second.words[0].probability == pytest.approx(1, abs=0.2)
    assert len(again.tag_words([["the"]], [[["never seen"]]])[0]) == 1
    other = write_values(tmp_path / "b.conll", seed=1)
    assert again.evaluate(corpus=other).accuracy == 1
    with pytest.raises(
        UsageError, match="reads column 2 beside the words, and texts have none; call tag_sen"
    ):
        again.tag(["the old"])
    with pytest.raises(UsageError, match="expected the feature_columns 2 that the tagger reads, got none"):
        again.tag_words(sentences)
    with pytest.raises(UsageError, match="expected no feature_columns for a tagger that reads words alone"):
        words.tag_words(sentences, values)
    with pytest.raises(
        DataError, match=r"expected 1 feature columns of 2 values, got lengths \[1\], sent.* 1"
    ):
        again.tag_words(sentences, [values[1], values[0]])
    with pytest.raises(DataError, match="expected feature columns for 2 sentences, got 1"):
        again.tag_words(sentences, values[:1])
    (tmp_path / "run" / "feature-1.vocab.txt").write_text("x\n")
    with pytest.raises(DamagedFileError, match=r"feature-1\.vocab\.txt"):
        load(tmp_path / "run")


def test_a_run_with_feature_columns_goes_on(tmp_path: Path) -> None:
    """It resumes to the bit, and starts another whose column has new values."""
    data = write_values(tmp_path / "a.conll")
    whole = trained(data, tmp_path / "whole", feature_columns="2", word_dropout=5.0)
    trained(data, tmp_path / "parts", feature_columns="2", word_dropout=5.0, epochs=2)
    settings = SequenceLabelingSettings(corpus=str(data), **QUICK)
    parts = train(settings, tmp_path / "parts", resume=True, changes={"epochs": 4})
    arrays = (each.run.load_model() for each in (whole, parts))
    for first, second in zip(*(found.values() for found in arrays), strict=True):
        np.testing.assert_array_equal(first, second)
    other = tmp_path / "b.conll"
    other.write_text(data.read_text().replace(" D ", " Z "))
    init, notes = str(tmp_path / "whole"), Notes()
    with pytest.raises(UsageError, match=r"expected 1 feature_columns, as many as .*; there .* was 2"):
        train(SequenceLabelingSettings(corpus=str(other), init=init), tmp_path / "refused")
    settings = SequenceLabelingSettings(
        corpus=str(other), init=init, grow_vocabulary=True, epochs=1, lr=1e-6, feature_columns="2"
    )
    grown = train(settings, tmp_path / "grown", callbacks=notes)
    assert grown.settings.feature_columns == "2"
    assert any("values of feature column 1 4 → 5" in message for message in notes.messages)
    before = whole.run.load_model()["feature_columns.0.weight"]
    after = grown.run.load_model()["feature_columns.0.weight"]
    np.testing.assert_allclose(after[: len(before)], before, atol=1e-4)
    assert len(after) == len(before) + 1


def test_feature_columns_are_for_taggers_of_words(names: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="feature_columns has no effect here: it is for neural models"):
        SequenceLabelingSettings.from_values({"model": "hmm", "feature_columns": "2"})
    with pytest.raises(
        UsageError, match="feature_size has no effect here: it is for a tagger with feature_c"
    ):
        SequenceLabelingSettings.from_values({"feature_size": 9})
    for wrong in ("2,,3", "-1", "0", "", "2,-3"):
        with pytest.raises(UsageError, match="expected feature_columns to be numbers from 1 or names, separ"):
            SequenceLabelingSettings.from_values({"feature_columns": wrong})
    with pytest.raises(DataError, match="expected the tag and the value in column 2 in two columns"):
        trained(names, tmp_path / "run", feature_columns="2")
    assert not (tmp_path / "run").exists()


def test_words_of_any_iterables_and_wrong_ones(tmp_path: Path) -> None:
    run = trained(write_values(tmp_path / "a.conll"), tmp_path / "run", feature_columns="2", epochs=1)
    sentences, values = [["the", "old"]], [[["N", "V"]]]
    expected = run.tag_words(sentences, values)
    generators = ((word for word in words) for words in sentences)
    assert run.tag_words(generators, ((iter(c) for c in own) for own in values)) == expected
    assert run.tag_words(np.array(sentences), np.array(values)) == expected
    for wrong, columns, said in (
        (["the old"], values, "expected a sentence to be a list, got 'the old'"),
        ("the old", values, "expected sentences to be a list, got 'the old'"),
        (sentences, [["NV"]], "expected a feature column to be a list, got 'NV'"),
        (sentences, [["N", "V"]], "expected a feature column to be a list, got 'N'"),
        (sentences, [[["N", 1]]], "expected values that are texts, got 1, sentence 1"),
        (sentences, [[["N", ""]]], "expected values that are texts, got '', sentence 1"),
        ([["the", 5]], values, "expected words that are texts, got 5, sentence 1"),
    ):
        with pytest.raises((UsageError, DataError), match=said):
            run.tag_words(wrong, columns)


def test_known_words_are_those_of_the_run(names: Path, tmp_path: Path) -> None:
    """Of other sentences too, in any case where the run looks words up in lower case."""
    run = trained(names, tmp_path / "run", epochs=1)
    other = tmp_path / "b.conll"
    other.write_text("THE O\nnever O\nsaw O\n\n")
    scores = run.evaluate(corpus=other)
    assert (scores.words, scores.known_words) == (3, 2)
    exact = counted(names, tmp_path / "counts", Notes())
    assert exact.evaluate(corpus=other).known_words == 1
    whole = run.evaluate("train")
    assert whole.known_words == whole.words


def test_a_word_column_from_the_end_is_refused_in_untagged_text() -> None:
    """Without the tags it would be another column."""
    with pytest.raises(UsageError, match="the words are in column -2 from the end"):
        untagged_columns(SequenceLabelingSettings(word_column="-2"))
    assert untagged_columns(SequenceLabelingSettings(word_column="1")).word == "1"
