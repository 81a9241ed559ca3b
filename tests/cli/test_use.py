"""eval-lm, score, generate, corpora, plot, doctor: on runs of each kind."""

import io
import json
import math
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import seqkit as library
import seqkit.tasks.language_modeling as job
from seqkit.cli import demo
from seqkit.errors import UsageError
from seqkit.models import NGramModel, Unigram
from tests.cli.conftest import Seqkit
from tests.training.tiny import TINY, write_corpus

RUNS = ["lstm", "kneser_ney", "characters"]


@pytest.fixture(params=RUNS)
def run(request: pytest.FixtureRequest) -> Path:
    path: Path = request.getfixturevalue(request.param)
    return path


def words(run: Path) -> list[str]:
    """The words that the model of a run knows."""
    return [token for token in library.load(run).vocabulary if not token.startswith("<")]


def stdin(monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data), "utf-8"))


# eval-lm


def test_evaluation_says_what_it_did(seqkit: Seqkit, run: Path) -> None:
    done = seqkit("eval-lm", run, "--json")
    result, model = done.json, library.load(run)
    assert done.code == 0
    if result["unk_fraction"] > 0.1:
        assert done.err.startswith(f"warning: {result['unk_fraction']:.1%} of the tokens of the test text")
    else:
        assert done.err == ""
    assert list(result)[:2] == ["perplexity", "predictions"]
    assert result["predictions"] == len(model.encoded().splits["test"])
    assert result["perplexity"] == pytest.approx(math.exp(result["loss"]), rel=1e-12)
    assert (result["vocab_size"], result["tokenizer"]) == (len(model.vocabulary), model.tokenizer.name)
    assert (result["batch_size"], result["protocol"], result["split"]) == (1, "exact", "test")
    shown = seqkit("eval-lm", run).out
    assert f"perplexity {result['perplexity']:.2f} (loss {result['loss']:.4f}) over " in shown
    assert f"{result['predictions']:,} predictions" in shown
    if result["unk_fraction"]:
        assert result["bits_per_character"] is None, "characters of unknown words are not predicted"
        assert "bits per character" not in shown
    else:
        assert f"{result['bits_per_character']:.4f} bits per character" in shown


def test_the_validation_while_training_is_the_evaluation_after(seqkit: Seqkit, lstm: Path) -> None:
    """The same weights, streams and split give the loss that the log holds."""
    best = json.loads((lstm / "log.jsonl").read_text().splitlines()[-1])
    assert best["best"]
    done = seqkit("eval-lm", lstm, "--split", "valid", "--batch-size", "10", "--json")
    assert done.json["loss"] == pytest.approx(best["valid_loss"], rel=1e-12)


def test_another_text_and_the_textbooks_protocol(seqkit: Seqkit, lstm: Path, corpus: Path) -> None:
    done = seqkit(
        "eval-lm", lstm, "--corpus", corpus, "--split", "train", "--eval-protocol", "textbook", "--json"
    )
    result = done.json
    assert (result["protocol"], result["batch_size"], result["bits_per_character"]) == ("textbook", 10, None)
    assert result["predictions"] == (len(library.load(lstm).encoded().splits["train"]) - 1) // 350 * 350


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["nowhere"], 1, "no run directory at nowhere"),
        (["."], 1, "has no config.json"),
        (["RUN", "--split", "foo"], 2, "is not one of 'train'"),
        (["RUN", "--corpus", "nowhere"], 1, "no corpus 'nowhere'"),
        (["RUN", "--batch-size", "0"], 2, "0 is not in the range"),
        (["RUN", "--eval-protocol", "textbook"], 1, "do not fill one window of 35"),
        (["RUN", "--device", "tpu"], 1, "unknown device 'tpu'"),
        ([], 2, "Missing argument 'RUN...'"),
    ],
)
def test_mistakes_of_eval_lm(seqkit: Seqkit, lstm: Path, arguments: list[str], code: int, said: str) -> None:
    done = seqkit("eval-lm", *(str(lstm) if a == "RUN" else a for a in arguments))
    assert (done.code, done.out) == (code, "")
    assert said in done.err


def test_a_corpus_without_that_part(seqkit: Seqkit, lstm: Path, tmp_path: Path) -> None:
    (tmp_path / "text").mkdir()
    (tmp_path / "text" / "train.txt").write_text("the cat sat\n" * 9)
    (tmp_path / "text" / "valid.txt").write_text("the dog ran\n" * 9)
    assert "(valid)" in seqkit("eval-lm", lstm, "--corpus", "text").out
    done = seqkit("eval-lm", lstm, "--corpus", "text", "--split", "test")
    assert done.code == 1
    assert "no test split: expected split to be one of train, valid, got 'test', text" in done.err


def test_the_device_of_the_environment_holds(
    seqkit: Seqkit, lstm: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEQKIT_DEVICE", "tpu")
    done = seqkit("eval-lm", lstm)
    assert done.code == 1
    assert "unknown device 'tpu'" in done.err
    assert seqkit("eval-lm", lstm, "--device", "cpu").code == 0


def test_kneser_ney_has_no_textbook_protocol(seqkit: Seqkit, kneser_ney: Path) -> None:
    done = seqkit("eval-lm", kneser_ney, "--eval-protocol", "textbook", "--split", "train")
    assert done.code == 2
    assert "expected protocol to be exact for Kneser-Ney, got 'textbook'" in done.err


# score


def test_scores_are_those_of_the_model_step_by_step(seqkit: Seqkit, run: Path, tmp_path: Path) -> None:
    lines = ["the cat sat on the mat", "", "dog"] + ["a red house ran"] * 70
    (tmp_path / "lines.txt").write_text("\n".join(lines) + "\n")
    done = seqkit("score", run, "lines.txt", "--json")
    assert (done.code, done.err) == (0, "")
    assert [record["line"] for record in done.json] == lines
    model = library.load(run)
    assert done.json[1] == {"line": ""}
    for line, record in list(zip(lines, done.json, strict=True))[:5]:
        if not line:
            continue
        ids = model.vocabulary.encode([*model.tokenizer.tokenize(line), model.tokenizer.end_of_line])
        state, before, total = model.model.start(1), model.eos_id, 0.0
        for i in ids:
            log_probs, state = model.model.step(np.array([before]), state)
            total, before = total + float(log_probs[0, i]), int(i)
        assert record["log_prob"] == pytest.approx(total, abs=1e-4)
        assert record["tokens"] == len(ids)
        assert record["perplexity"] == pytest.approx(math.exp(-total / len(ids)), rel=1e-4)
        assert record["unknown"] == int((ids == model.vocabulary.unk_id).sum())
    same = [record["log_prob"] for record in done.json[3:]]
    assert same == pytest.approx([same[0]] * 70, rel=1e-6)  # padding and batches change nothing


def test_line_scores_of_kneser_ney_add_up_to_its_evaluation(
    seqkit: Seqkit, kneser_ney: Path, corpus: Path, tmp_path: Path
) -> None:
    from seqkit.corpora import open_corpus

    (tmp_path / "test.txt").write_text(
        "".join(line + "\n" for line in open_corpus(str(corpus)).lines("test"))
    )
    scores = seqkit("score", kneser_ney, "test.txt", "--json").json
    whole = seqkit("eval-lm", kneser_ney, "--json").json
    assert sum(score["tokens"] for score in scores) == whole["predictions"]
    total = -sum(score["log_prob"] for score in scores)
    assert total == pytest.approx(whole["loss"] * whole["predictions"], rel=1e-12)
    unknown = sum(score["unknown"] for score in scores)
    assert unknown == pytest.approx(whole["unk_fraction"] * whole["predictions"])
    assert unknown > 0


@pytest.mark.parametrize("name", [[], ["-"]])
def test_scores_of_standard_input(
    seqkit: Seqkit, lstm: Path, monkeypatch: pytest.MonkeyPatch, name: list[str]
) -> None:
    one, two, *_ = words(lstm)
    stdin(monkeypatch, f"{one} {two}\r\nzebra".encode())
    done = seqkit("score", lstm, *name)
    rows = [line.split("\t") for line in done.out.splitlines()]
    assert [(row[1], row[3], row[4]) for row in rows] == [("3", "0", f"{one} {two}"), ("2", "1", "zebra")]
    stdin(monkeypatch, b"")
    assert seqkit("score", lstm, *name, "--json").json == []
    stdin(monkeypatch, b"good\nbad \xfe\n")
    done = seqkit("score", lstm, *name)
    assert done.code == 1
    assert "byte 0xfe is not UTF-8, standard input, line 2, byte 4" in done.err


def test_the_table_of_tokens(seqkit: Seqkit, run: Path, tmp_path: Path) -> None:
    lines = ["the cat sat", "", "a dog"]
    (tmp_path / "lines.txt").write_text("\n".join(lines) + "\n")
    [model] = [library.load(run)]
    expected = list(model.score_tokens(["the cat sat", "a dog"]))
    done = seqkit("score", run, "lines.txt", "--tokens")
    head, *rows = done.out.splitlines()
    assert head.split("\t") == ["line", "position", "token", "log_prob", "surprisal", "rank", "unknown"]
    first = len(expected[0])
    assert rows[first] == ""
    cells = [row.split("\t") for row in rows if row]
    assert [(row[0], row[1]) for row in cells] == [
        (line, f"{n}")
        for line, scores in (("1", expected[0]), ("3", expected[1]))
        for n in range(1, len(scores) + 1)
    ]
    for row, each in zip(cells, [*expected[0], *expected[1]], strict=True):
        shown = [
            each.token.replace("\n", "\\n"),
            f"{each.log_prob:.4f}",
            f"{each.surprisal:.4f}",
            str(each.rank),
        ]
        assert row[2:] == [*shown, f"{each.unknown:d}"]
    tens = seqkit("score", run, "lines.txt", "--tokens", "--log10", "--json-lines").out.splitlines()
    assert json.loads(tens[1]) == {"line": ""}
    objects = [json.loads(tens[0])["tokens"], json.loads(tens[2])["tokens"]]
    for found, scores in zip(objects, expected, strict=True):
        assert [x["log10_prob"] for x in found] == pytest.approx(
            [s.log_prob / math.log(10) for s in scores], rel=1e-5
        )
    [natural, tenth] = [seqkit("score", run, "lines.txt", *flag).out for flag in ([], ["--log10"])]
    for one, other in zip(natural.splitlines(), tenth.splitlines(), strict=True):
        first, second = one.split("\t"), other.split("\t")
        assert first[1:] == second[1:]
        if one:
            assert float(second[0]) == pytest.approx(float(first[0]) / math.log(10), abs=1e-4)
    refused = seqkit("score", run, "lines.txt", "--json", "--json-lines")
    assert (refused.code, refused.out) == (2, "")
    assert "--json has no effect here" in refused.err


def test_a_character_that_the_model_does_not_know(seqkit: Seqkit, characters: Path, tmp_path: Path) -> None:
    (tmp_path / "l.txt").write_text("thé\n")
    done = seqkit("score", characters, "l.txt")
    assert done.code == 1
    assert "'é' is not among the" in done.err


# generate


def test_the_same_seed_writes_the_same_text(seqkit: Seqkit, run: Path) -> None:
    command = ["generate", run, "--num-samples", "5", "--max-new-tokens", "30", "--json"]
    one, same, other = seqkit(*command), seqkit(*command), seqkit(*command, "--seed", "1")
    assert one.code == 0
    assert one.json == same.json
    assert one.json != other.json
    for sample in one.json:
        assert sample["tokens"] <= 30
        assert sample["log_prob"] < 0
        assert sample["stopped"] == (sample["tokens"] < 30)
    plain = seqkit(*command[:-1])
    assert plain.out == "".join(sample["text"] + "\n" for sample in one.json)


def test_unknown_is_never_written_unless_asked_for(seqkit: Seqkit, lstm: Path, kneser_ney: Path) -> None:
    for path in (lstm, kneser_ney):
        command = ["generate", path, "--num-samples", "20", "--max-new-tokens", "50", "--no-stop", "--json"]
        assert not any("<unk>" in sample["text"] for sample in seqkit(*command).json)
        assert any("<unk>" in sample["text"] for sample in seqkit(*command, "--allow-unknown").json)


def test_top_k_of_one_and_temperature_0_are_greedy(seqkit: Seqkit, run: Path) -> None:
    command = ["generate", run, "--max-new-tokens", "20", "--no-stop", "--prompt", "the cat", "--json"]
    greedy = seqkit(*command, "--temperature", "0").json
    assert seqkit(*command, "--top-k", "1").json == greedy
    assert seqkit(*command, "--top-p", "1e-9").json == greedy


def test_a_single_text_is_printed_as_it_is_generated(
    seqkit: Seqkit, run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    printed: list[str] = []
    monkeypatch.setattr("seqkit.cli.generate.echo", lambda text, nl=True: printed.append(text + "\n" * nl))
    command = ["generate", run, "--max-new-tokens", "15", "--prompt", "the cat", "--no-stop"]
    assert seqkit(*command).code == 0
    (sample,) = seqkit(*command, "--json").json
    assert "".join(printed) == sample["text"] + "\n"
    assert len(printed) == 16  # tokens, the prompt with the first of them, and the end of the line
    printed.clear()
    seqkit(*command, "--num-samples", "2")
    assert len(printed) == 2


def test_a_beam_finds_at_least_what_greedy_search_does(seqkit: Seqkit, run: Path) -> None:
    command = ["generate", run, "--max-new-tokens", "12", "--no-stop", "--prompt", "the cat", "--json"]
    (greedy,) = seqkit(*command, "--temperature", "0").json
    assert seqkit(*command, "--beam", "1").json == [greedy]
    found = seqkit(*command, "--beam", "5", "--num-samples", "3", "--length-penalty", "0").json
    assert found[0]["log_prob"] >= greedy["log_prob"] - 1e-4
    assert [each["log_prob"] for each in found] == sorted((each["log_prob"] for each in found), reverse=True)
    done = seqkit(*command, "--beam", "2", "--num-samples", "3")
    assert (done.code, done.out) == (2, "")
    assert "expected --num-samples to be at most --beam, 2, got 3" in done.err
    model = library.load(run)
    with pytest.raises(UsageError, match="top_k has no effect here"):
        model.generate(beam=2, top_k=3)
    with pytest.raises(UsageError, match="seed has no effect here"):
        model.generate(beam=2, seed=3)
    with pytest.raises(UsageError, match="length_penalty has no effect here"):
        model.generate(length_penalty=0.0)
    with pytest.raises(UsageError, match="on_text has no effect here"):
        model.generate(beam=2, on_text=print)


def test_prompt_and_stop(seqkit: Seqkit, lstm: Path) -> None:
    one, two, *_ = words(lstm)
    command = ["generate", lstm, "--num-samples", "8", "--max-new-tokens", "40", "--json"]
    samples = seqkit(*command, "--prompt", "zebra ran", "--stop", one, "--stop", two).json
    for sample in samples:
        assert sample["text"].startswith("zebra ran")
        assert not {one, two} & set(sample["text"].split())
        assert sample["stopped"] == (sample["tokens"] < 40)
    assert any(sample["stopped"] for sample in samples)
    done = seqkit("generate", lstm, "--stop", "zebra")
    assert done.code == 2
    assert "expected stop to be tokens of the vocabulary, got 'zebra'" in done.err


@pytest.mark.parametrize(
    "options",
    [
        ["--top-k", "0"],
        ["--top-p", "0"],
        ["--top-p", "1.5"],
        ["--temperature", "-1"],
        ["--temperature", "nan"],
        ["--temperature", "inf"],
        ["--max-new-tokens", "0"],
        ["--num-samples", "0"],
        ["--seed", "-1"],
        ["--seed", str(2**64)],
    ],
)
def test_settings_that_generate_refuses(seqkit: Seqkit, lstm: Path, options: list[str]) -> None:
    done = seqkit("generate", lstm, *options)
    assert (done.code, done.out) == (2, "")
    assert "rror" in done.err


# The others


def test_corpora(seqkit: Seqkit, corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEQKIT_DATA", str(tmp_path / "data"))
    rows = {row["name"]: row for row in seqkit("corpora", "list", "--json").json}
    assert {"ptb", "wikitext-2", "tinyshakespeare"} <= rows.keys()
    assert not any(row["present"] for row in rows.values() if row["files"])
    assert rows["pydocs"]["present"]
    assert rows["ptb"]["folder"].startswith(str(tmp_path))
    listed = seqkit("corpora", "list")
    assert listed.out.startswith("pydocs")
    assert "ptb               absent  text" in listed.out
    assert "absent" in seqkit("corpora", "info", "ptb").out
    info = seqkit("corpora", "info", corpus, "--json").json
    assert info["splits"] == ["train", "valid", "test"]
    for command in (["corpora", "info", "nowhere"], ["train-lm", "ptb", "--out", "run"]):
        assert seqkit(*command).code == 1
    assert "corpora fetch ptb" in seqkit("train-lm", "ptb", "--out", "run").err
    unknown = seqkit("corpora", "fetch", "nowhere")
    assert unknown.code == 2
    assert "no registered corpus 'nowhere'" in unknown.err


@pytest.mark.without_numba
def test_doctor(seqkit: Seqkit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEQKIT_DATA", str(tmp_path / "data"))
    report = seqkit("doctor", "--json").json
    keys = "seqkit python system packages blas threads cores kernels products gpu data cache corpora extras"
    assert list(report) == keys.split()
    assert report["seqkit"] == library.__version__
    assert report["data"] == {"path": str(tmp_path / "data"), "exists": False, "writable": True}
    assert report["packages"].keys() >= {"numpy", "numba", "click", "nltk", "tqdm", "cupy"}
    assert f"threads   {report['threads']} of {report['cores']} cores" in seqkit("doctor").out


def test_curves(seqkit: Seqkit, lstm: Path, characters: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    done = seqkit("plot", "curves", lstm, characters, "--out", "c.svg")
    assert (done.code, done.out) == (0, "c.svg\n")
    assert "<svg" in (tmp_path / "c.svg").read_text()
    for arguments, code in {
        ("nowhere",): 1,
        (str(lstm), "--out", "c.xyz"): 2,
        (str(lstm), "--out", "no/folder.png"): 2,
        (): 2,
    }.items():
        assert seqkit("plot", "curves", *arguments).code == code


# The group


def test_unknown_commands_and_help(seqkit: Seqkit) -> None:
    for arguments, code, said in [
        (["train-ml"], 2, "No such command 'train-ml'. Did you mean train-lm?"),
        (["xyzzy"], 2, "No such command 'xyzzy'."),
        (["--xyzzy"], 2, "No such option"),
    ]:
        done = seqkit(*arguments)
        assert done.code == code
        assert said in done.err
    assert re.search(r"train-lm +Train a language model\.", seqkit("--help").out)
    assert seqkit("-h").code == 0
    assert library.__version__ in seqkit("--version").out


@pytest.mark.parametrize(
    "command", ["train-lm", "eval-lm", "score", "generate", "corpora", "plot", "doctor", "demo"]
)
def test_every_command_has_help(seqkit: Seqkit, command: str) -> None:
    done = seqkit(command, "--help")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(f"Usage: seqkit {command}")


def test_debug_shows_the_traceback(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from seqkit.cli import main
    from seqkit.errors import RunError

    monkeypatch.setenv("SEQKIT_DEBUG", "")  # remembered, so that it is put back
    with pytest.raises(RunError, match="no run directory"):
        main(["--debug", "eval-lm", str(tmp_path / "nowhere")])


def run_demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, **settings: object) -> tuple[int, str]:
    corpus = write_corpus(tmp_path / "c.txt")
    usual = job.LanguageModelSettings

    def small(epochs: int) -> job.LanguageModelSettings:
        assert epochs == 8
        return usual(corpus=str(corpus), **{**TINY, **settings})  # type: ignore[arg-type]

    monkeypatch.setattr(job, "LanguageModelSettings", small)
    result = CliRunner().invoke(demo.command, ["--out", str(tmp_path / "run"), "-q"])
    return result.exit_code, result.output


def test_an_lstm_that_hardly_trained_fails_the_demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code, output = run_demo(tmp_path, monkeypatch, max_steps=1)
    assert code == 1
    assert "error: the LSTM is not better than both baselines" in output
    for name in ("unigram", "5-gram, modified Kneser-Ney", "LSTM", "samples", str(tmp_path / "run")):
        assert name in output


def test_an_lstm_below_both_passes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bad = {"log_probs": lambda self, ids: -99.0 * (ids >= 0)}  # baselines that know nothing
    for baseline in (NGramModel, Unigram):
        monkeypatch.setattr(baseline, "log_probs", bad["log_probs"])
    code, output = run_demo(tmp_path, monkeypatch)
    assert code == 0
    assert "error" not in output
