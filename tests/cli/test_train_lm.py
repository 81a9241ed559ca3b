"""seqkit train-lm: settings and where they come from, output, resume, mistakes."""

import json
import re
import tomllib
from pathlib import Path

import pytest

from seqkit.optim.schedules import Constant
from seqkit.tasks.language_modeling.settings import LanguageModelSettings
from seqkit.training import RunDirectory, checksummed
from tests.cli.conftest import Seqkit
from tests.training.tiny import TINY, flags, write_corpus
from tests.training.toy import log_of

QUICK = flags({**TINY, "epochs": 1})


@pytest.mark.without_numba
def test_results_on_stdout_the_rest_on_stderr(seqkit: Seqkit, corpus: Path) -> None:
    done = seqkit("train-lm", corpus, *QUICK, "--out", "run", "--log-interval", "20")
    assert done.code == 0
    assert done.out.startswith("run: best validation perplexity ")
    assert done.out.count("\n") == 1
    for said in ('corpus = "', "emsize = 8", "step 20 of 41", "epoch 1 of 1 done", "seqkit eval-lm run"):
        assert said in done.err
    quiet = seqkit("train-lm", corpus, *QUICK, "--out", "quiet", "--quiet")
    assert (quiet.code, quiet.err) == (0, "")
    assert quiet.out.replace("quiet:", "run:") == done.out


def test_json_is_one_value(seqkit: Seqkit, corpus: Path) -> None:
    done = seqkit("train-lm", corpus, *QUICK, "--out", "run", "--json")
    assert done.code == 0
    result = done.json
    assert (result["run"], result["best_step"], result["best_epoch"]) == ("run", 41, 1)
    assert result["settings"] == RunDirectory.open("run").config["settings"]
    assert result["valid_loss"] == log_of(Path("run"))[-1]["valid_loss"]
    assert result["valid_perplexity"] == log_of(Path("run"))[-1]["valid_ppl"]


def test_the_default_folder_is_named_after_corpus_and_model(seqkit: Seqkit, corpus: Path) -> None:
    assert seqkit("train-lm", corpus, *QUICK, "-q").code == 0
    (run,) = Path("runs").iterdir()
    assert run.name.startswith("corpus-lstm-")


# Settings


def test_flags_win_over_config_and_config_over_recipe(seqkit: Seqkit, corpus: Path, tmp_path: Path) -> None:
    config = tmp_path / "c.toml"
    config.write_text(
        'embedding_size = 8\nnhid = 8\n"batch-size" = 4\nlr = 3\ndropout = 0.5\nmin_count = 1\n'
    )
    done = seqkit(
        "train-lm", corpus, "--recipe", "word-lm-200", "--config", config, "--lr", "2.5", "--dry-run"
    )
    assert done.code == 0
    settings = tomllib.loads(done.out)
    assert (settings["lr"], settings["dropout"], settings["emsize"]) == (2.5, 0.5, 8)
    assert settings["corpus"] == str(corpus)
    assert settings["nlayers"] == 2  # the recipe's
    assert settings["eval-batch-size"] == LanguageModelSettings().eval_batch_size  # a default


def test_dry_run_trains_nothing_and_its_toml_makes_the_same_settings(
    seqkit: Seqkit, corpus: Path, tmp_path: Path
) -> None:
    options = [*QUICK, "--clip", "inf", "--weight-decay", "1e-05", "--no-tied", "--lowercase"]
    first = seqkit("train-lm", corpus, *options, "--out", "run", "--dry-run")
    assert first.code == 0
    assert not Path("run").exists()
    assert "# train 8" in first.out
    assert "# parameters: " in first.out
    (tmp_path / "again.toml").write_text(first.out)
    again = seqkit("train-lm", "--config", "again.toml", "--dry-run")
    assert again.out == first.out
    settings = LanguageModelSettings.from_values(tomllib.loads(first.out))
    assert (settings.clip, settings.weight_decay, settings.tied) == (float("inf"), 1e-5, False)
    assert (settings.lowercase, settings.tokenizer, settings.max_steps) == (True, "word", None)
    seqkit("train-lm", "--config", "again.toml", "--out", "run", "-q")
    assert RunDirectory.open("run").config["settings"] == settings.to_dict()


def test_a_path_with_strange_letters_survives_the_echo(seqkit: Seqkit, corpus: Path, tmp_path: Path) -> None:
    strange = tmp_path / 'ü "quoted" \\ 🐍.txt'
    strange.write_bytes(corpus.read_bytes())
    done = seqkit("train-lm", strange, *QUICK, "--dry-run")
    assert tomllib.loads(done.out)["corpus"] == str(strange)


@pytest.mark.parametrize(
    ("toml", "said"),
    [
        ("emsiz = 3", "unknown setting 'emsiz' in c.toml; did you mean emsize?"),
        ("xyzzy = 3", "unknown setting 'xyzzy' in c.toml; known are init, epochs,"),
        ('embedding_size = "3"', "expected embedding_size to be int, got '3', in c.toml"),
        ("embedding_size = 3.5", "expected embedding_size to be int, got 3.5, in c.toml"),
        ("embedding_size = true", "expected embedding_size to be int, got True, in c.toml"),
        ("[model]\nkind = 3", "expected model to be str, got {'kind': 3}, in c.toml"),
        ("lr = nan", "expected lr to be a finite number, got nan"),
        ("dropout = 1", "expected dropout to be at least 0 and below 1, got 1.0"),
    ],
)
def test_what_a_config_cannot_say(seqkit: Seqkit, tmp_path: Path, toml: str, said: str) -> None:
    (tmp_path / "c.toml").write_text(toml + "\n")
    done = seqkit("train-lm", "--config", "c.toml", "--out", "run")
    assert (done.code, done.out) == (2, "")
    assert f"error: {said}" in done.err
    assert not Path("run").exists()


def test_recipes_are_listed_and_whole(seqkit: Seqkit) -> None:
    listed = seqkit("train-lm", "--recipe", "help")
    assert listed.code == 0
    from seqkit.cli.settings_file import read_recipe

    names = listed.out.split()
    assert names == sorted(names)
    assert names
    for name in names:
        LanguageModelSettings.from_values(read_recipe(name, "train-lm"), source=name)


# Mistakes


def test_texts_that_cannot_be_read(seqkit: Seqkit, tmp_path: Path) -> None:
    (tmp_path / "empty.txt").write_bytes(b"")
    (tmp_path / "latin.txt").write_bytes(b"good line\nbad \xff byte\n" + b"more\n" * 50)
    (tmp_path / "same.txt").write_text("word word\n" * 50)
    (tmp_path / "blank.txt").write_text("\n" * 50)
    (tmp_path / "folder").mkdir()
    for name, said in {
        "nowhere.txt": "no corpus 'nowhere.txt'",
        "empty.txt": "the file is empty, empty.txt",
        "latin.txt": "byte 0xff is not UTF-8, latin.txt, line 2, byte 14",
        "same.txt": "got only 'word'",
        "blank.txt": "has no words",
        "folder": "folder",
    }.items():
        done = seqkit("train-lm", name, *QUICK, "--out", "run")
        assert (done.code, done.out) == (1, ""), name
        assert done.err.splitlines()[-1].startswith("error: ")
        assert said in done.err
        assert not Path("run").exists(), name


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (["--schedule", "foo"], 2, "no schedule 'foo'; choose one of"),
        (["--device", "cuda:99"], 1, "device|CuPy|GPU|driver"),
        (["--device", "tpu"], 1, "unknown device 'tpu'"),
        (["--batch-size", "100000"], 1, "do not fill a batch of 100000 streams"),
        (["--optimizer", "foo"], 2, "is not one of 'sgd'"),
        (["--model", "foo"], 2, "is not one of 'lstm'"),
        (["--tokenizer", "foo"], 2, "got 'foo'"),
        (["--vocab-size", "1"], 1, "raise --vocab-size"),
        (["--emsize", "0"], 2, "expected embedding_size (--emsize) to be above 0, got 0"),
        (["--emsize", "two"], 2, "'two' is not a valid integer"),
        (["--lr", "nan"], 2, "expected lr to be a finite number, got nan"),
        (["--lr", "inf"], 2, "expected lr to be a finite number"),
        (["--weight-decay", "nan"], 2, "expected weight_decay to be a finite number"),
        (["--checkpoint-interval", "nan"], 2, "expected checkpoint_interval to be a finite number"),
        (["--dropout", "1"], 2, "expected dropout to be at least 0 and below 1"),
        (["--seed", "-1"], 2, "expected seed to be at least 0"),
        (["--seed", str(2**64)], 2, "expected seed to be at most 18,446,744,073,709,551,615"),
        (["--threads", "0"], 2, "0 is not in the range"),
        (["--recipe", "foo"], 2, "expected --recipe to be one of"),
        (["--config", "nowhere.toml"], 1, "cannot read nowhere.toml"),
        (["--resume-from", "x"], 2, "No such option"),
        (["extra"], 2, "unexpected extra argument"),
    ],
)
def test_settings_that_cannot_be_used_leave_no_run(
    seqkit: Seqkit, corpus: Path, options: list[str], code: int, said: str
) -> None:
    done = seqkit("train-lm", corpus, *QUICK, "--out", "run", *options)
    assert (done.code, done.out) == (code, "")
    assert re.search("|".join(map(re.escape, said.split("|"))), done.err), done
    assert not Path("run").exists()


def test_an_empty_corpus_name_is_not_the_default_corpus(seqkit: Seqkit) -> None:
    done = seqkit("train-lm", "", *QUICK, "--out", "run")
    assert (done.code, done.out) == (2, "")
    assert "got an empty name" in done.err


def test_folders_that_cannot_be_a_run(seqkit: Seqkit, corpus: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.tex").write_text("")
    for out, said in {"file": "file", "file/run": "file/run", "full": "thesis.tex"}.items():
        done = seqkit("train-lm", corpus, *QUICK, "--out", out)
        assert (done.code, done.out) == (1, "")
        assert said in done.err.splitlines()[-1]
        assert not (tmp_path / out / "config.json").exists()


def test_divergence(seqkit: Seqkit, corpus: Path) -> None:
    """--lr 1e9 ends with step, rate and norm; what was good stays, can be loaded and can be resumed."""
    done = seqkit("train-lm", corpus, *QUICK, "--out", "run", "--lr", "1e9")
    assert (done.code, done.out) == (1, "")
    last = done.err.splitlines()[-1]
    assert last.startswith("error: training diverged at step 2: loss ")
    assert "learning rate 1e+09, gradient norm" in last
    assert "resume with a smaller --lr" in last
    _, metadata = checksummed.read_tensors(Path("run/last.safetensors"))
    assert metadata["progress"]["step"] == 0
    assert not Path("run/model.safetensors").exists()
    assert "no epoch was finished" in seqkit("eval-lm", "run").err
    assert seqkit("train-lm", "--out", "run", "--resume").code == 1


def test_divergence_after_a_good_epoch_keeps_it(
    seqkit: Seqkit, corpus: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = [
        "train-lm",
        corpus,
        *flags({**TINY, "epochs": 3}),
        "--schedule",
        "constant",
        "--out",
        "run",
        "-q",
    ]
    with monkeypatch.context() as patch:
        patch.setattr(Constant, "at", lambda self, step, epoch, elapsed: 1.0 if step < 50 else 1e9)
        done = seqkit(*command)
    assert (done.code, done.out) == (1, "")
    assert "diverged at step 52" in done.err
    _, metadata = checksummed.read_tensors(Path("run/last.safetensors"))
    assert metadata["progress"]["step"] == 41
    assert seqkit("eval-lm", "run", "--json").json["loss"] < 3
    assert seqkit(*command, "--resume").code == 0
    assert [r["epoch"] for r in log_of(Path("run")) if "valid_loss" in r] == [1, 2, 3]


# Resume


def test_resume_of_a_run_that_is_not_there_starts_it(seqkit: Seqkit, corpus: Path) -> None:
    assert seqkit("train-lm", corpus, *QUICK, "--out", "run", "--resume").code == 0
    assert RunDirectory.open("run").config["settings"]["embedding_size"] == 8


def test_the_same_command_with_resume_goes_on(seqkit: Seqkit, corpus: Path) -> None:
    command = ["train-lm", corpus, *flags(TINY), "--schedule", "constant", "--out", "run", "-q"]
    first = seqkit(*command)
    before = {file.name: file.read_bytes() for file in Path("run").iterdir()}
    again = seqkit(*command, "--resume")
    assert (again.code, again.out) == (0, first.out)
    assert {file.name: file.read_bytes() for file in Path("run").iterdir()} == before
    more = seqkit("train-lm", "--out", "run", "--resume", "--epochs", "3", "-q")
    assert more.code == 0
    assert [r["epoch"] for r in log_of(Path("run")) if "valid_loss" in r] == [1, 2, 3]


def test_an_existing_run_is_not_overwritten(seqkit: Seqkit, corpus: Path, lstm: Path) -> None:
    before = {file.name: file.read_bytes() for file in lstm.iterdir()}
    done = seqkit("train-lm", corpus, *QUICK, "--out", lstm)
    assert done.code == 1
    assert "already holds config.json; add --resume" in done.err
    assert {file.name: file.read_bytes() for file in lstm.iterdir()} == before


@pytest.mark.parametrize(
    "changed", [["--dropout", "0.3"], ["--nhid", "9"], ["--model", "gru"], ["--no-tied"], ["--seed", "1"]]
)
def test_resume_refuses_what_would_make_another_run(seqkit: Seqkit, lstm: Path, changed: list[str]) -> None:
    done = seqkit("train-lm", "--out", lstm, "--resume", *changed)
    assert (done.code, done.out) == (2, "")
    name = changed[0].removeprefix("--").removeprefix("no-")
    field = LanguageModelSettings.field_names()[name]
    assert re.search(rf"a resumed run cannot change {field}( \(--{name}\))? from ", done.err)
    assert "epochs, max_steps" in done.err


def test_resume_needs_a_folder_and_the_same_text(seqkit: Seqkit, corpus: Path, tmp_path: Path) -> None:
    done = seqkit("train-lm", corpus, "--resume")
    assert done.code == 2
    assert "add --out RUN" in done.err
    text = tmp_path / "text.txt"
    text.write_bytes(corpus.read_bytes())
    seqkit("train-lm", "text.txt", *QUICK, "--out", "run", "-q")
    assert seqkit("train-lm", "text.txt", "--out", "run", "--resume", "--epochs", "2", "-q").code == 0
    text.write_bytes(corpus.read_bytes() + b"one more line of text\n")
    done = seqkit("train-lm", "--out", "run", "--resume", "--epochs", "3")
    assert done.code == 1
    assert "has changed since run was begun" in done.err
    evaluated = seqkit("eval-lm", "run")
    assert evaluated.code == 1
    assert "has changed since run was begun" in evaluated.err


def test_resume_of_a_damaged_run_names_the_file(seqkit: Seqkit, corpus: Path) -> None:
    seqkit("train-lm", corpus, *QUICK, "--out", "run", "-q")
    path = Path("run/last.safetensors")
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    done = seqkit("train-lm", "--out", "run", "--resume", "--epochs", "2")
    assert (done.code, done.out) == (1, "")
    assert "last.safetensors is damaged: its checksum" in done.err
    assert seqkit("eval-lm", "run").code == 0  # the weights are whole


def test_kneser_ney_trains_like_the_others(seqkit: Seqkit, corpus: Path) -> None:
    command = ["train-lm", corpus, "--model", "kneser-ney", "--order", "2", "--out", "run", "--json", "-q"]
    first = seqkit(*command)
    assert first.code == 0
    again = seqkit(*command, "--resume")
    assert again.json == first.json
    assert len(log_of(Path("run"))) == 1
    assert json.loads(Path("run/log.jsonl").read_text())["valid_loss"] == first.json["valid_loss"]


def test_a_corpus_that_moved_is_given_by_its_new_place(seqkit: Seqkit, tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "moving.txt", lines=30)
    assert seqkit("train-lm", str(corpus), "--emsize", "4", "--epochs", "1", "--out", "run").code == 0
    corpus.rename(tmp_path / "moved.txt")
    gone = seqkit("train-lm", "--out", "run", "--resume", "--epochs", "2")
    assert gone.code == 1
    assert "restore it, or give its new place: --corpus" in gone.err
    done = seqkit("train-lm", "moved.txt", "--out", "run", "--resume", "--epochs", "2")
    assert done.code == 0, done.err
    named = seqkit("train-lm", "--corpus", "moved.txt", "--out", "run", "--resume", "--epochs", "3")
    assert named.code == 0, named.err
    both = seqkit("train-lm", "moved.txt", "--corpus", "moved.txt", "--out", "other")
    assert (both.code, both.out) == (2, "")
    assert "expected CORPUS or --corpus, got both; give one of them" in both.err


def test_a_run_starts_from_another(seqkit: Seqkit, tmp_path: Path) -> None:
    corpus = str(write_corpus(tmp_path / "words.txt", lines=30))
    small = ("--emsize", "4", "--epochs", "1")
    assert seqkit("train-lm", corpus, *small, "--out", "first").code == 0
    refused = seqkit("train-lm", corpus, "--init", "first", "--emsize", "256", "--out", "other")
    assert refused.code == 2
    assert "expected embedding_size (--emsize) to be 4, as in the run first, got 256" in refused.err
    done = seqkit("train-lm", corpus, "--init", "first", "--epochs", "1", "--out", "second", "--json")
    assert done.json["settings"]["embedding_size"] == 4
    assert f"starts from {'first'}" in done.err
    dry = seqkit("train-lm", corpus, "--init", "first", "--grow-vocabulary", "--dry-run", "--json")
    assert dry.json["settings"]["grow_vocabulary"] is True


def test_a_masked_run_starts_from_another_without_its_objective(seqkit: Seqkit, tmp_path: Path) -> None:
    corpus = str(write_corpus(tmp_path / "words.txt", lines=30))
    small = ("--emsize", "8", "--nlayers", "1", "--epochs", "1", "--objective", "masked")
    assert seqkit("train-lm", corpus, *small, "--out", "first").code == 0
    done = seqkit("train-lm", corpus, "--init", "first", "--epochs", "1", "--out", "second", "--json")
    assert done.code == 0, done.err
    assert done.json["settings"]["objective"] == "masked"
