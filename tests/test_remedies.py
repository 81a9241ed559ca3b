"""Each remedy of an error is tried: with it applied, the call goes on. A new remedy needs a row here.

The remedies that are for input are also tried on the command line, in tests/cli/test_remedies.py.
"""

import ast
import importlib
import inspect
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seqkit import nn
from seqkit.autograd import Tensor
from seqkit.cli import COMMANDS, group
from seqkit.cli.common import flags_of
from seqkit.corpora import open_corpus, open_images, open_labelled, open_seq2seq, open_tagged
from seqkit.data import BPTTBatches, ContextWindows, encode_corpus, encode_labelled, encode_tagged
from seqkit.errors import Remedy, SeqkitError
from seqkit.optim import SGD, make_optimizer, make_schedule
from seqkit.plotting import plot_curves
from seqkit.tasks import embeddings, language_modeling, sentence_encoding, seq2seq
from seqkit.tasks.embeddings import EmbeddingSettings
from seqkit.tasks.export import export
from seqkit.tasks.image_classification import ImageClassificationSettings, TrainedImageClassifier
from seqkit.tasks.language_modeling import LanguageModelSettings
from seqkit.tasks.seq2seq import Seq2SeqSettings
from seqkit.tasks.sequence_labeling import SequenceLabelingSettings, TrainedTagger
from seqkit.text import Vocabulary, get_tokenizer
from seqkit.training import RunDirectory
from seqkit.vectors import KeyedVectors, Word2Vec, load_vectors, save_vectors
from seqkit.vectors.word2vec.sentences import sentences_of
from tests.remedies import LABELLED, MORE, Call, vectors, written

ROOT = Path(__file__).parents[1]
SOURCES = [*(ROOT / "seqkit").rglob("*.py"), *(ROOT / "cli").rglob("*.py"), *(ROOT / "corpora").rglob("*.py")]
TEXT = [["red", "green", "blue", "red"], ["cat", "dog", "cow", "cat"]] * 20
IDS = np.arange(40, dtype=np.int32) % 7


def model() -> Word2Vec:
    return Word2Vec(TEXT, vector_size=4, min_count=1, workers=1, epochs=1)


def batches(ids: np.ndarray, **options: Any) -> BPTTBatches:
    return BPTTBatches(ids, start_id=0, **options)


PAIRS = "".join(f"source {n}\ttarget {n}\n" for n in range(60))


def labelled(texts: list[tuple[str, str]], *more: str) -> Callable[[], object]:
    sources = {"train": lambda: iter(texts), **{split: lambda: iter(texts) for split in more}}
    return lambda: encode_labelled(sources, get_tokenizer("word"), max_length=9)


def folder(*names: str) -> str:
    for name in names:
        written(f"folder/{name}", LABELLED if name.endswith(".tsv") else "a text of words\n" * 30)
    return "folder"


def leaf() -> Tensor:
    return Tensor(np.ones(3, np.float32), requires_grad=True)


def backward_twice() -> None:
    loss = (leaf() * 2.0).sum()
    loss.backward()
    loss.backward()


TRIED: dict[str, tuple[Call, Call]] = {
    # pattern of the remedy: the call that is refused, and the call with the remedy applied
    r"reduce it to a loss": (lambda: (leaf() * 2.0).backward(), lambda: (leaf() * 2.0).sum().backward()),
    r"compute the forward again": (backward_twice, lambda: (leaf() * 2.0).sum().backward()),
    r"use x\.detach": (lambda: Tensor(leaf()), lambda: leaf().detach()),
    r"write \[tensor\]": (lambda: SGD(leaf(), lr=1.0), lambda: SGD([leaf()], lr=1.0)),
    r"use tensor\.detach": (
        lambda: SGD([leaf() * 2.0], lr=1.0), lambda: SGD([(leaf() * 2.0).detach()], lr=1.0)
    ),
    r"momentum=0\.9 is usual": (
        lambda: SGD([leaf()], lr=1.0, nesterov=True),
        lambda: SGD([leaf()], lr=1.0, nesterov=True, momentum=0.9),
    ),
    r"each step has the learning rate of its one": (
        lambda: LanguageModelSettings(variable_bptt=True, accumulate=2),
        lambda: LanguageModelSettings(variable_bptt=True, accumulate=1),
    ),
    r"choose one of": (
        lambda: make_optimizer("adan", [leaf()], lr=1.0), lambda: make_optimizer("adam", [leaf()], lr=1.0)
    ),
    r"it takes": (
        lambda: make_schedule("constant", warmup=2), lambda: make_schedule("linear", total_steps=9, warmup=2)
    ),
    r"use general or additive": (
        lambda: nn.Attention("dot", 3, 4, generator=0), lambda: nn.Attention("general", 3, 4, generator=0)
    ),
    r"choose an attention": (
        lambda: small_seq2seq(input_feeding=True), lambda: small_seq2seq(input_feeding=True, attention="dot")
    ),
    r"use a smaller window or batch": (
        lambda: ContextWindows(IDS, window=30, batch_size=2, seed=0),
        lambda: ContextWindows(IDS, window=3, batch_size=2, seed=0),
    ),
    r"use a batch size of": (
        lambda: batches(IDS, batch_size=50, bptt=1), lambda: batches(IDS, batch_size=40, bptt=1)
    ),
    r"use a smaller batch size or bptt": (
        lambda: batches(IDS, batch_size=20, bptt=9, keep_tail=False),
        lambda: batches(IDS, batch_size=20, bptt=9, keep_tail=True),
    ),
    r"give a split with text in it": (
        lambda: batches(IDS[:0], batch_size=2, bptt=1), lambda: batches(IDS, batch_size=2, bptt=1)
    ),
    r"give more texts": (labelled([]), labelled([("a", "x"), ("b", "y")])),
    r"give texts of two classes": (labelled([("a", "x")]), labelled([("a", "x"), ("b", "y")])),
    r"use \{known\}, or give a train split": (
        lambda: get_tokenizer("bpe"), lambda: get_tokenizer("bpe", lines=lambda: ["ab"] * 9, vocab_size=258)
    ),
    r"add it, or give \{role\}=None": (
        lambda: Vocabulary(["a"], eos=None), lambda: Vocabulary(["a"], unk=None, eos=None)
    ),
    r"call build_vocab first": (lambda: Word2Vec().train(TEXT), lambda: built().train(TEXT)),
    r"call train first": (
        lambda: built().get_latest_training_loss(), lambda: model().get_latest_training_loss()
    ),
    r"leave it out: it is counted": (
        lambda: model().train(TEXT, total_examples=3), lambda: model().train(TEXT)
    ),
    r"change words by build_vocab": (
        lambda: with_words("x").train(TEXT), lambda: model().prune_vocab(min_count=2)
    ),
    r"keep more": (lambda: model().prune_vocab(min_count=99), lambda: model().prune_vocab(min_count=2)),
    r"lower min_count, or give": (lambda: Word2Vec(TEXT[:2]), lambda: Word2Vec(TEXT[:2], min_count=1)),
    r"use corpus_file=PATH": (lambda: sentences_of("text", None), lambda: sentences_of(None, "text")),
    r"give a list, or an object": (lambda: sentences_of(iter(TEXT), None), lambda: sentences_of(TEXT, None)),
    r"^'split it'": (
        lambda: Word2Vec(["a b"] * 9, min_count=1), lambda: Word2Vec([["a", "b"]] * 9, min_count=1)
    ),
    r"give at least one'": (
        lambda: vectors("a", "b").most_similar(positive=[]), lambda: vectors("a", "b").most_similar("a")
    ),
    r"give at least one positive": (
        lambda: vectors("a", "b").most_similar_cosmul(negative=["a"]),
        lambda: vectors("a", "b").most_similar_cosmul(positive=["a"]),
    ),
    r"give topn of at least 1": (
        lambda: vectors("a", "b").relative_cosine_similarity("a", "b", topn=0),
        lambda: vectors("a", "b").relative_cosine_similarity("a", "b", topn=1),
    ),
    r"give binary=False": (
        lambda: KeyedVectors.load_word2vec_format(glove(), binary=True, no_header=True),
        lambda: KeyedVectors.load_word2vec_format(glove(), binary=False, no_header=True),
    ),
    r"set it with set_vecattr": (
        lambda: vectors("a").save_word2vec_format("v.txt", fvocab="counts"), lambda: counted_vectors("counts")
    ),
    r"save the native format|replace the blanks": (
        lambda: vectors("a b").save_word2vec_format("v.txt"), lambda: vectors("a b").save("v.kv")
    ),
    r"use str\(key\) for each": (
        lambda: save_vectors(numbered(), "v.kv"), lambda: save_vectors(vectors("1", "2"), "v.kv")
    ),
    r"save as native or word2vec": (
        lambda: save_vectors(vectors("a"), "v.bin", "fasttext"),
        lambda: save_vectors(vectors("a"), "v.bin", "native"),
    ),
    r"or name the format": (
        lambda: save_vectors(vectors("a"), "v.doc"), lambda: save_vectors(vectors("a"), "v.doc", "native")
    ),
    r"source\.remedies\.limit": (
        lambda: load_vectors(written("long.txt", "1 2\na 1 2\nb 1 2\n")),
        lambda: load_vectors(written("long.txt", "1 2\na 1 2\nb 1 2\n"), limit=1),
    ),
    r"remedies\.repeated": (
        lambda: load_vectors(written("twice.txt", "a 1 2\na 3 4\n")),
        lambda: load_vectors(written("twice.txt", "a 1 2\na 3 4\n"), duplicates="first"),
    ),
    r"remedies\.encoding": (
        lambda: load_vectors(written("latin.txt", b"1 2\n\xe9 1 2\n")),
        lambda: load_vectors(written("latin.txt", b"1 2\n\xe9 1 2\n"), errors="replace"),
    ),
    r"give resume=True": (lambda: RunDirectory.require_free(a_run()), lambda: RunDirectory.open(a_run())),
    r"choose another folder'|choose another folder for": (
        lambda: RunDirectory.require_free(written("file", "") + "/run"),
        lambda: RunDirectory.require_free("another/run"),
    ),
    r"give the folder of a training run": (
        lambda: RunDirectory.open("none"), lambda: RunDirectory.open(a_run())
    ),
    r"as in optimizer=": (
        lambda: EmbeddingSettings(loss="softmax"),
        lambda: EmbeddingSettings(loss="softmax", optimizer="adam", sample=0.0),
    ),
    r"give sample=0\.0": (
        lambda: EmbeddingSettings(optimizer="adam"), lambda: EmbeddingSettings(optimizer="adam", sample=0.0)
    ),
    r"leave \{name\} out|leave out \{flag\}|^'leave it out'|leave (target|replace_unk|\{given\}) out": (
        lambda: Seq2SeqSettings(num_heads=2), Seq2SeqSettings
    ),
    r"^hint$": (
        lambda: LanguageModelSettings.from_values({"widow": 3}),
        lambda: EmbeddingSettings.from_values({"window": 3}),
    ),
    r"MAY_CHANGE": (
        lambda: LanguageModelSettings.to_resume(LanguageModelSettings().to_dict(), {"bptt": 9}),
        lambda: LanguageModelSettings.to_resume(LanguageModelSettings().to_dict(), {"epochs": 9}),
    ),
    r"leave image_size out": (
        lambda: open_images("digits", image_size=3), lambda: ImageClassificationSettings(image_size=None)
    ),
    r"write a label, a tab": (
        lambda: list(open_labelled(written("l.tsv", "no tab\n" * 20)).sources["train"]()),
        lambda: list(open_labelled(written("l.tsv", LABELLED)).sources["train"]()),
    ),
    r"write source, a tab": (
        lambda: list(open_seq2seq(written("p.tsv", "no tab\n" * 20)).sources["train"]()),
        lambda: list(open_seq2seq(written("p.tsv", PAIRS)).sources["train"]()),
    ),
    r"give a longer text, or a folder": (
        lambda: read(open_corpus(written("short.txt", "one\ntwo\n"))),
        lambda: read(open_corpus(folder("train.txt", "valid.txt", "test.txt"))),
    ),
    r"give the one text file itself": (
        lambda: read(open_corpus(folder("only.txt"))),
        lambda: read(open_corpus(folder("only.txt") + "/only.txt")),
    ),
    r"meant\}; or give": (
        lambda: open_corpus("pydoc"), lambda: open_corpus(written("t.txt", "words\n" * 60))
    ),
    r"give its folder": (
        lambda: open_images(written("image.png", "")), lambda: ImageClassificationSettings(corpus=".")
    ),
    **MORE,
}  # fmt: skip
"""Remedies that are tried here."""

ELSEWHERE: dict[str, str] = {
    r"--columns takes files, not texts": "tests/cli/test_tagger.py::test_columns_are_tagged",
    r"leave out \{other\}": "tests/cli/test_tagger.py::test_columns_are_tagged",
    r"^sentence\.remedy$": "tests/cli/test_tagger.py::test_columns_are_tagged",
    r"count from the first column": (
        "tests/tasks/test_sequence_labeling.py::test_feature_columns_are_for_taggers_of_words"
    ),
    r"leave feature_columns out' if own": (
        "tests/tasks/test_sequence_labeling.py::test_a_run_with_feature_columns_goes_on"
    ),
    r"call tag_sentences": "tests/tasks/test_sequence_labeling.py::test_feature_columns_are_read",
    r"train with word_column counted from the first": (
        "tests/tasks/test_sequence_labeling.py::test_a_word_column_from_the_end_is_refused_in_untagged_text"
    ),
    r"leave feature_columns out', command": (
        "tests/corpora/test_tagged.py::test_feature_columns_of_registered_corpora"
    ),
    r"with so few words the whole softmax": (
        "tests/tasks/test_language_modeling.py::test_sampled_softmax_needs_a_larger_vocabulary"
    ),
    r"^'leave one out'|leave grow_vocabulary out|give a run of \{train\}": "tests/tasks/test_initial_runs.py",
    r"to=\"safetensors\"|^_SAFETENSORS$": "tests/cli/test_export.py",
    r"give one of its members": "tests/tasks/test_mixture.py",
    r"give its new place": "tests/tasks/test_moved_corpora.py",
    r"start from a run of such images": "tests/tasks/test_initial_runs.py",
    r"translation memory \(TMX|join their files|name two: |name one part: ": "tests/corpora/test_parallel.py",
    r"name one of them: \{folder": "tests/corpora/test_idx_names.py::test_one_of_several_sets_is_named",
    r"give a table with rows|uncompressed as a file": "tests/corpora/test_tables.py::test_other_arrow_files",
    r"image_size=N": "tests/cli/test_remedies.py::test_each_remedy_helps_where_it_is_read",
    r"min_count=2": "tests/cli/test_remedies.py::test_an_unknown_token_needs_a_vocabulary_that_has_one",
    r"^FEW_WORDS$": "tests/cli/test_remedies.py::test_each_remedy_helps_where_it_is_read",
    r"fold -s": "tests/cli/test_lines.py::test_a_line_that_is_too_long_is_refused_in_bounded_memory",
    r"write its content to a file": "tests/corpora/test_other_formats.py::test_a_pipe_cannot_be_read_twice",
    r"^_OF_VECTORS$": "tests/files/test_what_is.py::test_a_file_of_another_format_is_named",
    r"iconv": "tests/corpora/test_other_formats.py",
    r"ends in \.jsonl": "tests/corpora/test_other_formats.py",
    r"what_is\(|found\.remedy": "tests/files/test_what_is.py",
    r"train the model again": "tests/text/test_words.py::test_other_rules_or_libraries_are_refused",
    r"pretokenized=True": "tests/tasks/test_sequence_labeling.py",
    r"text_column=2|similar WORD": "tests/files/test_what_is.py",
    r"wait for it to end": "tests/training/test_lock.py",
    r"'name a file'|set HOME": "tests/cli/test_surroundings.py",
    r"name another folder": "tests/cli/test_cheap_checks.py",
    r"_UNCUT\}|row\.remedy\}": "tests/cli/test_remedies.py::test_each_remedy_helps_where_it_is_read",
    r"self\.opened_by": "tests/files/test_what_is.py",
    r"clip in changes=": "tests/cli/test_train_lm.py",
    r"resize=True": "tests/tasks/test_image_classification.py",
    r"on_broken_tags=": "tests/tasks/test_sequence_labeling.py::test_bad_input",
    r"a smaller alpha": "tests/tasks/test_embeddings.py::test_a_rate_that_is_too_large_ends_with_an_error",
    r"seqkit corpora fetch|again|address": "tests/corpora/test_hostile_downloads.py",
}
"""Remedies that another test applies, or makes come true."""

OUTSIDE = (
    r"pip install|install the driver|install them|nvidia-smi|nltk",
    r"free some space|permissions|check the network|put the file there",
    r"(copy|download|restore|convert) |copied|fetch it again",
    r"^_?REMEDY|_REMEDIES|^_ANOTHER$|^_LAYOUT$|remedies\.other|^remedy|remedy or|error\.remedy|self\.again",
    r"rule\.remedy|cells\.remedy|_REMEDY\b|^also if kind|^_REFERENCE$",
)
"""Advice about packages, machines and files, and remedies that are passed on."""

STATED = frozenset(
    (
        "'export encoders with learned positions, post-norm with embedding_norm, or pre-norm withou",
        "'give a shorter text'",
        "'is this a complete run directory?'",
        "'move it away'",
        "'move one with seqkit.backend.to_device(x, device)'",
        "'name the files'",
        "'not followed: the file could be changed on the way'",
        "'record one sequence at a time'",
        "'resume with the versions that began the run, or start a new run'",
        "'try another --split'",
        "'use a smaller number'",
        "'use device=\"cpu\"'",
        "'use one that has (brown, reuters, gutenberg)'",
        "'use the .bin before quantising, or its .vec'",
        "'use the model before quantising'",
        "'use the vocabulary and the size of vectors that it was made with'",
        "'write its sentences to a text file and give that'",
        "Remedy(f'{advice}, or use device=\"cpu\"', command=command)",
        "f'export it once where gensim is installed:\\n  import gensim; kv = gensim.utils.SaveLoad.l",
    )
)
"""The code (its beginning) of advice to give another value or file, which the message itself names."""


def small_seq2seq(**options: Any) -> object:
    from seqkit.models import Seq2Seq, Seq2SeqConfig

    return Seq2Seq(Seq2SeqConfig(5, 5, embedding_size=4, hidden_size=4, **options), generator=0)


def built() -> Word2Vec:
    model = Word2Vec(vector_size=4, min_count=1, workers=1, epochs=1)
    model.build_vocab(TEXT)
    return model


def with_words(word: str) -> Word2Vec:
    changed = model()
    changed.wv.add_vectors([word], np.zeros((1, 4), np.float32))
    return changed


def glove() -> str:
    return written("glove.txt", "a 1 2\nb 3 4\n")


def counted_vectors(path: str) -> None:
    table = vectors("a")
    table.set_vecattr("a", "count", 3)
    table.save_word2vec_format("v.txt", fvocab=path)


def numbered() -> KeyedVectors:
    table = KeyedVectors(2)
    table.add_vectors([1, 2], np.eye(2, dtype="f"))
    return table


def a_run() -> str:
    if not RunDirectory.exists("run"):
        RunDirectory.create("run", {"task": "language_modeling"}, {})
    return "run"


def read(corpus: Any) -> list[list[str]]:
    return [list(read()) for read in corpus.sources.values()]


@pytest.fixture(autouse=True)
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("remedy", TRIED)
def test_a_remedy_helps(remedy: str) -> None:
    refused, applied = TRIED[remedy]
    with pytest.raises(SeqkitError) as caught:
        refused()
    assert caught.value.remedy or "leave" in remedy, caught.value
    if remedy in MORE and "\\{" not in remedy:
        shown = re.sub(r"^\^?(Remedy\\\()?'?|'\$?$|', command$", "", remedy)
        assert re.search(shown, str(caught.value.remedy)), caught.value
    applied()


def remedies_of(path: Path) -> Iterator[str]:
    """The code of each remedy of a file."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.keyword) and node.arg == "remedy":
            yield ast.unparse(node.value).replace('f"""', "f'", 1)  # as Python 3.12 and later write it
        elif isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Remedy":
            yield ast.unparse(node)


ALL = sorted({(text, path.name) for path in SOURCES for text in remedies_of(path)})


def test_each_remedy_has_a_row() -> None:
    rows = [*TRIED, *ELSEWHERE, *OUTSIDE]
    unknown = [each for each in ALL if not any(re.search(row, each[0]) for row in rows)]
    assert [each for each in unknown if each[0][:90] not in STATED] == []
    assert STATED - {text[:90] for text, _ in unknown} == set()


def test_each_row_has_a_remedy() -> None:
    assert [row for row in (*TRIED, *ELSEWHERE) if not any(re.search(row, text) for text, _ in ALL)] == []
    for row, test in ELSEWHERE.items():
        path, _, name = test.partition("::")
        assert f"def {name}" in (ROOT / path).read_text("utf-8"), row


PARAMETERS: dict[str, tuple[Callable[..., Any], ...]] = {
    "binary": (KeyedVectors.load_word2vec_format, KeyedVectors.save_word2vec_format),
    "by": (plot_curves,),
    "changes": (language_modeling.train, seq2seq.train, embeddings.train),
    "corpus_file": (Word2Vec, Word2Vec.build_vocab, Word2Vec.train),
    "device": (Word2Vec, language_modeling.load, seq2seq.load, sentence_encoding.load),
    "gradient": (Tensor.backward,),
    "grow_vocabulary": (LanguageModelSettings, Seq2SeqSettings, EmbeddingSettings),
    "header": (open_corpus, open_labelled, open_seq2seq, LanguageModelSettings),
    "image_size": (open_images,),
    "min_count": (LanguageModelSettings, Seq2SeqSettings, EmbeddingSettings, encode_corpus, Word2Vec),
    "momentum": (SGD,),
    "on_bad_line": (open_labelled, open_seq2seq, open_tagged, Seq2SeqSettings),
    "on_broken_tags": (encode_tagged, SequenceLabelingSettings),
    "optimizer": (EmbeddingSettings,),
    "pretokenized": (TrainedTagger.tag,),
    "resize": (TrainedImageClassifier.classify_files,),
    "resume": (language_modeling.train, seq2seq.train, embeddings.train),
    "sample": (EmbeddingSettings,),
    "text_column": (open_corpus, open_labelled, LanguageModelSettings, EmbeddingSettings),
    "to": (export,),
    "tokenizer": (LanguageModelSettings, Seq2SeqSettings, EmbeddingSettings, encode_corpus),
}
"""Each argument that a remedy names, with the public functions that raise it."""


def test_remedies_name_arguments_that_exist() -> None:
    named = {
        name for text, _ in ALL for name in re.findall(r"(?<!\w)([a-z_]+)=(?=[\w\"'{\\])", _library(text))
    }
    assert named == PARAMETERS.keys()
    for name, functions in PARAMETERS.items():
        for function in functions:
            assert name in inspect.signature(function).parameters, (name, function)


def _library(text: str) -> str:
    """The code of a remedy without its words for the commands."""
    return text.partition(", command=")[0]


def test_a_command_names_its_own_flags_alone() -> None:
    remedy = Remedy("x", command="correct it, or add --skip, or see `other --flag`")
    error = SeqkitError("wrong", remedy=remedy)
    assert error.for_command() == "wrong; correct it, or add --skip, or see `other --flag`"
    error.flags = {"--skip"}
    assert error.for_command() == "wrong; correct it, or add --skip, or see `other --flag`"
    error.flags = {"--other"}
    assert error.for_command() == "wrong; correct it, or see `other --flag`"
    assert SeqkitError("wrong", remedy=Remedy("x", command="add --skip")).for_command() == "wrong; add --skip"


def test_a_running_command_is_known_to_its_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise SeqkitError("wrong", remedy=Remedy("x", command="resize it, or add --resize, or add --json"))

    monkeypatch.setattr("seqkit.lab.all_experiments", fail)
    with pytest.raises(SeqkitError) as caught:
        group.main(["lab", "list"], standalone_mode=False)
    assert caught.value.for_command() == "wrong; resize it, or add --json"


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["lab", "list"], "out of memory"),
        (["train-lm"], "use a smaller --batch-size or --nhid or --vocab-size"),
    ],
)
def test_out_of_memory(command: list[str], said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise MemoryError

    monkeypatch.setattr("seqkit.lab.all_experiments", fail)
    monkeypatch.setattr("seqkit.cli.train_lm.command.callback", fail)
    with pytest.raises(SeqkitError, match=f"{said}$"):
        group.main(command, standalone_mode=False)


OTHERS = {"--local-dir"}
"""Flags of other programs."""


def test_remedies_name_commands_flags_and_packages_that_exist() -> None:
    flags = flags_of(group) | OTHERS
    extras = set(re.findall(r"^(\w+) = \[", (ROOT / "pyproject.toml").read_text(), re.M))
    wrong = []
    for text, file in ALL:
        for flag in re.findall(r"(?<![\w-])--[a-z][a-z-]+", text):
            wrong += [] if flag in flags else [(file, flag)]
        for command in re.findall(r"\bseqkit ([a-z][a-z-]+)", text):
            wrong += [] if command in COMMANDS else [(file, command)]
        for extra in re.findall(r"seqkit\[(\w+)\]", text):
            wrong += [] if extra in extras else [(file, extra)]
        for module, name in re.findall(r"\b(?:seqkit\.)?((?:models|tasks|backend)\.\w+)(?:\.(\w+))?", text):
            place, _, last = module.rpartition(".")
            try:
                found = importlib.import_module(f"seqkit.{module}")
                wrong += [] if not name or hasattr(found, name) else [(file, name)]
            except ImportError:
                wrong += [] if hasattr(importlib.import_module(f"seqkit.{place}"), last) else [(file, module)]
    assert wrong == []
