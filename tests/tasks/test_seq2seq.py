"""Training encoder and decoder into run directories: what is learned, resumed, translated and refused."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import seqkit
from seqkit.corpora import Seq2SeqCorpus
from seqkit.errors import DataError, RunError, TrainingInterrupted, UsageError
from seqkit.tasks.seq2seq import Seq2SeqSettings, TrainedSeq2Seq, load, train
from seqkit.text.subwords import BpeTokenizer
from seqkit.training import Callback


def write_pairs(path: Path, count: int = 120, seed: int = 0) -> Path:
    """Words of two to four letters out of five, and the same in capitals."""
    rng = np.random.default_rng(seed)
    words = sorted({"".join(rng.choice(list("abcde"), rng.integers(2, 5))) for _ in range(count)})
    path.write_text("".join(f"{word}\t{word.upper()}\n" for word in words))
    return path


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    return write_pairs(tmp_path / "pairs.tsv")


QUICK: dict[str, Any] = {
    "tokenizer": "char", "embedding_size": 16, "hidden_size": 32, "batch_size": 16, "epochs": 2, "lr": 0.01,
    "min_count": 1,
}  # fmt: skip


class Notes(Callback):
    """Keeps what it hears."""

    def __init__(self, stop_after: int | None = None) -> None:
        self.messages: list[str] = []
        self.stop_after = stop_after

    def on_message(self, text: str) -> None:
        self.messages.append(text)

    def on_epoch_end(self, record: dict[str, Any]) -> None:
        if record["epoch"] == self.stop_after:
            import signal

            signal.raise_signal(signal.SIGINT)


def trained(pairs: Path, out: Path, callback: Callback | None = None, **changes: Any) -> TrainedSeq2Seq:
    settings = Seq2SeqSettings(corpus=str(pairs), **{**QUICK, **changes})
    return train(settings, out, callbacks=callback)


def test_it_learns_to_answer(pairs: Path, tmp_path: Path) -> None:
    notes = Notes()
    run = trained(pairs, tmp_path / "run", notes, epochs=25)
    assert run.evaluate("train").exact_match > 0.95
    scores = run.evaluate("valid")
    assert scores.exact_match > 0.5
    assert scores.pairs < scores.predictions
    assert scores.perplexity == pytest.approx(np.exp(scores.loss))
    answers = run.translate(["abc", "ed"])
    assert [best[0].text for best in answers] == ["ABC", "ED"]
    marks = [text for text in notes.messages if "→" in text]
    assert len(marks) >= 25
    assert any("☑" in text for text in marks)
    records = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    matches = [record["valid_exact_match"] for record in records if "valid_exact_match" in record]
    assert len(matches) == 25
    assert matches[-1] > matches[0]


def test_beams_attention_and_n_best(pairs: Path, tmp_path: Path) -> None:
    run = trained(pairs, tmp_path / "run", reverse=True, epochs=12)
    (greedy,), three = run.translate(["abc"])[0], run.translate(["abc"], beam=4, n_best=3)[0]
    assert len(three) == 3
    assert len({each.text for each in three}) == 3
    assert [each.score for each in three] == sorted((each.score for each in three), reverse=True)
    assert three[0].log_prob >= greedy.log_prob - 1e-6
    assert greedy.attention is not None
    assert greedy.attention.shape == (len(greedy.tokens), 3)
    np.testing.assert_allclose(greedy.attention.sum(axis=1), 1, atol=1e-5)
    assert greedy.source_tokens == ["a", "b", "c"]
    together = run.translate(["abc", "deabc", "ab"])
    for text, best in zip(("abc", "deabc", "ab"), together, strict=True):
        alone = run.translate([text])[0][0]
        assert best[0].text == alone.text
        assert best[0].log_prob == pytest.approx(alone.log_prob, abs=1e-4)
        np.testing.assert_allclose(best[0].attention, alone.attention, atol=1e-4)


def test_a_stopped_run_goes_on_with_the_same_bits(pairs: Path, tmp_path: Path) -> None:
    settings = Seq2SeqSettings(corpus=str(pairs), **{**QUICK, "epochs": 3, "dropout": 0.1})
    whole = train(settings, tmp_path / "whole")
    with pytest.raises(TrainingInterrupted):
        train(settings, tmp_path / "run", callbacks=Notes(stop_after=1))
    done = train(settings, tmp_path / "run", resume=True)
    for name, array in whole.model.state_dict().items():
        np.testing.assert_array_equal(done.model.state_dict()[name], array)


@pytest.mark.parametrize(
    "changes",
    [
        {"attention": "none", "peeky": True, "pass_cell": False, "weight_init": "normal"},
        {"model": "gru", "attention": "dot", "bidirectional": True},
        {"attention": "additive", "input_feeding": True},
        {"model": "transformer", "num_heads": 2, "num_layers": 1, "dropout": 0.1},
        {"shared_vocabulary": True, "tied": True, "num_layers": 2, "teacher_forcing": 0.7},
    ],
    ids=str,
)
def test_every_kind_opens_as_what_was_trained(pairs: Path, tmp_path: Path, changes: dict[str, Any]) -> None:
    run = trained(pairs, tmp_path / "run", **{"epochs": 1, **changes})
    again = seqkit.load(tmp_path / "run")
    assert isinstance(again, TrainedSeq2Seq)
    assert again.translate(["abc"])[0][0].text == run.translate(["abc"])[0][0].text


def write_sentences(path: Path, count: int = 60, length: int = 3) -> Path:
    """Write sentences of numbers in words, and the same in capitals, back to front."""
    rng = np.random.default_rng(3)
    words = np.array(["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"])
    rows = [words[rng.permutation(10)[:length]] for _ in range(count)]
    path.write_text("".join(f"{' '.join(row)}\t{' '.join(row[::-1]).upper()}\n" for row in rows))
    return path


@pytest.mark.parametrize(
    ("changes", "files"),
    [
        ({"tokenizer": "bpe", "vocab_size": 290, "shared_vocabulary": True}, {"tokenizer.json"}),
        ({"tokenizer": "bpe", "vocab_size": 270}, {"tokenizer.json", "target.tokenizer.json"}),
        ({"tokenizer": "word", "target_tokenizer": "wordpiece", "target_vocab_size": 60},
         {"target.tokenizer.json"}),
        ({"tokenizer": "FILE", "target_tokenizer": "char", "target_lowercase": True}, {"tokenizer.json"}),
    ],
    ids=["joint", "separate", "words to subwords", "from a file"],
)  # fmt: skip
def test_subwords_are_learned_kept_and_loaded(
    tmp_path: Path, changes: dict[str, Any], files: set[str]
) -> None:
    pytest.importorskip("tokenizers")
    pairs = write_sentences(tmp_path / "sentences.tsv")
    if changes["tokenizer"] == "FILE":
        learned = BpeTokenizer.train(lambda: ["one two three", "four five"], vocab_size=270)
        (tmp_path / "learned.json").write_bytes(learned.to_bytes())
        changes = {**changes, "tokenizer": str(tmp_path / "learned.json")}
    small: dict[str, Any] = {"embedding_size": 8, "hidden_size": 8, "epochs": 2, "min_count": None}
    with pytest.raises(TrainingInterrupted):
        trained(pairs, tmp_path / "run", Notes(stop_after=1), **{**small, **changes})
    settings = Seq2SeqSettings(corpus=str(pairs), **{**QUICK, **small, **changes})
    run = train(settings, tmp_path / "run", resume=True)
    assert {path.name for path in (tmp_path / "run").glob("*tokenizer.json")} == files
    again = load(tmp_path / "run")
    text = "one two three"
    assert again.translate([text])[0][0].text == run.translate([text])[0][0].text
    ids = again.source_vocabulary.encode(again.source_tokenizer.tokenize(text)).tolist()
    assert again.source_vocabulary.unk_id not in ids
    target = "three two one" if run.settings.target_lowercase else "THREE TWO ONE"
    tokens = run.target_tokenizer.tokenize(target)
    assert (
        run.target_tokenizer.detokenize(run.target_vocabulary.decode(run.target_vocabulary.encode(tokens)))
        == target
    )
    if run.settings.shared_vocabulary:
        assert run.source_vocabulary == run.target_vocabulary


def test_the_defaults_of_words_depend_on_the_number_of_pairs() -> None:
    def resolved(pairs: int, **changes: Any) -> Any:
        sources = {"train": lambda: iter([("a", "b")] * pairs)}
        corpus = Seq2SeqCorpus("c", description="", sources=sources, identity=dict)
        return Seq2SeqSettings(corpus="c", **changes).resolve(corpus)

    words = [resolved(pairs) for pairs in (9_999, 10_000, 100_000)]
    assert [(each.dropout, each.batch_size) for each in words] == [(0.4, 32), (0.3, 64), (0.2, 128)]
    for each in words:
        assert (each.tokenizer, each.min_count, each.weight_init, each.tied) == ("word", 2, "standard", True)
        assert (each.lr, each.schedule, each.label_smoothing) == (0.002, "cosine", 0.1)
    assert resolved(9, tokenizer="whitespace").min_count == 2
    assert resolved(9, tokenizer="whitespace", min_count=1).min_count == 1
    characters = resolved(9, tokenizer="char")
    assert (characters.weight_init, characters.tied, characters.lr) == ("uniform", False, 0.001)
    assert resolved(9, hidden_size=11).bidirectional is False  # an odd number cannot be halved
    assert resolved(9, dropout=0.0, label_smoothing=0.0, tied=False).dropout == 0


def test_scores_of_other_pairs_by_other_searches_and_beside_baselines(pairs: Path, tmp_path: Path) -> None:
    run = trained(pairs, tmp_path / "run", epochs=12)
    other = tmp_path / "other.tsv"
    rows = [("abc", "ABC"), ("ed", "CC")]
    other.write_text("".join(f"{source}\t{target}\n" for source, target in rows))
    scores = run.evaluate(corpus=other, baseline=True)
    answers = [best[0].text for best in run.translate([source for source, _ in rows])]
    right = sum(a == target for a, (_, target) in zip(answers, rows, strict=True))
    assert (scores.split, scores.pairs, scores.exact_match) == ("test", 2, right / 2)
    assert scores.baselines.keys() == {"source copied", "word by word"}
    assert scores.baselines["source copied"] == 0
    for side, column in (("sources.txt", 0), ("targets.txt", 1)):
        (tmp_path / side).write_text("".join(row[column] + "\n" for row in rows))
    again = run.evaluate(corpus=tmp_path / "sources.txt", target=tmp_path / "targets.txt")
    assert (again.bleu, again.chrf) == (scores.bleu, scores.chrf)
    assert 0 < scores.chrf < 100
    same = [run.evaluate(corpus=other, temperature=1.0, seed=seed).exact_match for seed in (3, 3)]
    assert same[0] == same[1]
    drawn = {str(run.translate(["abcde"], temperature=3.0, seed=seed)[0][0].text) for seed in range(5)}
    assert len(drawn) > 1
    with pytest.raises(UsageError, match="beam has no effect here"):
        run.translate(["abc"], beam=3, temperature=1.0)


def test_parts_of_a_published_folder_and_tables_beside_it(pairs: Path, tmp_path: Path) -> None:
    rows = [line.split("\t") for line in pairs.read_text().splitlines()]
    folder = tmp_path / "folder"
    folder.mkdir()
    for part, chosen in (
        ("train", rows[:60]),
        ("val", rows[60:70]),
        ("test_2016", rows[70:73]),
        ("test_2017", rows[73:75]),
    ):
        for language, side in (("xx", 0), ("yy", 1)):
            (folder / f"{part}.{language}").write_text("".join(row[side] + "\n" for row in chosen))
    columns = {"source_column": "yy", "target_column": "xx"}
    run = trained(folder, tmp_path / "run", epochs=1, **columns)
    assert run.evaluate(corpus=folder / "test_2017").pairs == 2
    assert run.evaluate(corpus=folder / "test_2016").pairs == 3
    turned = tmp_path / "turned.tsv"
    turned.write_text("".join(f"{target}\t{source}\n" for source, target in rows[:5]))
    assert run.evaluate(corpus=turned).pairs == 5


def test_unknown_words_are_replaced_by_words_of_the_source(tmp_path: Path) -> None:
    """Names occur once each, so that they are unknown, and stand elsewhere in the target."""
    rng = np.random.default_rng(0)
    names = ["".join(rng.choice(list("abcdefgh"), 6)) for _ in range(400)]
    rows = [
        (f"hello {a} and {b} !", f"{b} greets {a} .") for a, b in zip(names[::2], names[1::2], strict=True)
    ]
    path = tmp_path / "names.tsv"
    path.write_text("".join(f"{source}\t{target}\n" for source, target in rows))
    settings = {"tokenizer": "whitespace", "min_count": 2, "epochs": 25, "dropout": 0.0, "batch_size": 16}
    run = trained(path, tmp_path / "run", **settings)
    [[plain]] = run.translate(["hello Tom and Ann !"])
    assert not {"Tom", "Ann"} & set(plain.tokens)
    [[copied]] = run.translate(["hello Tom and Ann !"], replace_unk=True)
    assert set(copied.tokens) <= {"Tom", "Ann", "hello", "and", "!", "greets", "."}
    assert {"Tom", "Ann"} & set(copied.tokens)
    assert run.evaluate("valid", replace_unk=True).chrf > run.evaluate("valid").chrf
    without = trained(path, tmp_path / "without", **{**settings, "epochs": 1, "attention": "none"})
    with pytest.raises(UsageError, match="it is for models with attention"):
        without.translate(["hello Tom and Ann !"], replace_unk=True)


def test_a_model_below_the_word_table_is_reported(tmp_path: Path) -> None:
    path = write_sentences(tmp_path / "sentences.tsv", count=120, length=5)
    notes = Notes()
    trained(path, tmp_path / "run", notes, tokenizer="word", epochs=1, lr=1e-6, batch_size=64)
    assert any("has not learned to read its source" in text for text in notes.messages)
    records = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert any("valid_bleu" in record for record in records)


def test_bad_lines_are_errors_or_told_of(pairs: Path, tmp_path: Path) -> None:
    with pairs.open("a") as file:
        file.write("no tab here\n")
    with pytest.raises(DataError, match=r"pairs\.tsv"):
        trained(pairs, tmp_path / "run")
    assert not (tmp_path / "run").exists()
    notes = Notes()
    trained(pairs, tmp_path / "run", notes, on_bad_line="skip", epochs=1)
    assert any("1 malformed lines skipped" in text for text in notes.messages)


def test_mistakes(pairs: Path, tmp_path: Path) -> None:
    run = trained(pairs, tmp_path / "run", epochs=1)
    with pytest.raises(DataError, match="expected a text with a token"):
        run.translate([" "])
    with pytest.raises(UsageError, match="expected texts to be a list of strings, got a string"):
        run.translate("abc")
    with pytest.raises(RunError):
        load(tmp_path)
    write_pairs(pairs, seed=9)
    with pytest.raises(DataError, match="has changed since"):
        run.evaluate()
    for values, said in (
        ({"attention": "hard"}, "expected attention to be one of"),
        ({"teacher_forcing": 2.0}, "expected teacher_forcing to be from 0 to 1"),
        ({"hidden_size": 0}, r"expected hidden_size \(--nhid\) to be above 0"),
        ({"model": "transformer", "peeky": True}, "peeky has no effect here: it is for recurrent models"),
        (
            {"model": "transformer", "attention": "dot"},
            "attention has no effect here: it is for recurrent",
        ),
    ):
        with pytest.raises(UsageError, match=said):
            Seq2SeqSettings.from_values(values)
