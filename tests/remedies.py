"""Remedies of models, data, files and commands, with the call that is refused and the call that goes on.

The pattern of a row stands in the code of the remedy and in the text that is shown. They are tried by
tests/test_remedies.py, in an empty folder.
"""

from __future__ import annotations

import contextlib
import json
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import numpy as np

from seqkit import Generator, nn, ops
from seqkit.autograd import Tensor, gradient_check
from seqkit.backend import array_module, device
from seqkit.backend.kernels import kernel_mode
from seqkit.cli import group
from seqkit.corpora import (
    LabelledImages,
    open_corpus,
    open_images,
    open_labelled,
    open_seq2seq,
    open_tagged,
    registered,
)
from seqkit.corpora.corpus import check_split
from seqkit.corpora.readers.image_files import folder_images
from seqkit.data import (
    encode_corpus,
    encode_labelled,
    encode_seq2seq,
    encode_tagged,
)
from seqkit.data.batches import BucketedBatches
from seqkit.data.images import ImageBatches, Standardization
from seqkit.decoding import greedy
from seqkit.decoding.loop import require_finite
from seqkit.distributed.group import ProcessGroup
from seqkit.explorer.opening import open_items
from seqkit.explorer.server import bind
from seqkit.files.lines import content_size
from seqkit.files.safetensors import encode_safetensors
from seqkit.launcher import Launch
from seqkit.models import (
    BagConfig,
    ImageClassifier,
    LanguageModel,
    LanguageModelConfig,
    Seq2Seq,
    Seq2SeqConfig,
    SequenceClassifier,
    SequenceClassifierConfig,
    TransformerSeq2Seq,
    TransformerSeq2SeqConfig,
    bert,
    gpt2,
    image_config,
    make_image_model,
)
from seqkit.models.ngrams.config import NGramConfig
from seqkit.optim import Adam
from seqkit.plotting import plot_curves
from seqkit.plotting.figure import check_figure_path, new_figure
from seqkit.plotting.word_map import check_projection
from seqkit.search import TASKS, Space, worker
from seqkit.search.definition import Definition, begin
from seqkit.tasks import sentence_encoding
from seqkit.tasks.embeddings.evaluation import evaluation_files
from seqkit.tasks.language_modeling import LanguageModelSettings, NGram, NGramState
from seqkit.tasks.language_modeling.mixture import require_numbers
from seqkit.tasks.language_modeling.passes import EvaluationCheckpoint
from seqkit.text import get_tokenizer
from seqkit.training import RunDirectory, Trainer
from seqkit.vectors import KeyedVectors, Word2Vec, load_vectors, save_vectors
from seqkit.vectors.counting import SparseMatrix, ppmi
from seqkit.vectors.evaluation import evaluate_pairs
from tests.corpora.test_images import write_idx
from tests.models.folders import BERT, bert_arrays, write, write_bert, write_modules

Call = Callable[[], object]
WORD = get_tokenizer("word")
LR = {"log": [0.0001, 0.01]}


def written(name: str, text: str | bytes) -> str:
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Path(name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return name


def vectors(*words: str) -> KeyedVectors:
    table = KeyedVectors(2)
    table.add_vectors(list(words), np.random.default_rng(0).standard_normal((len(words), 2)).astype("f"))
    return table


def command(*arguments: str) -> None:
    """Run a command; its errors are raised."""
    group.main(list(arguments), standalone_mode=False)


def _toy_ngram() -> NGram:
    lines = ["\\data\\", "ngram 1=3", "\\1-grams:", "-99 <s>", "-0.25 </s>", "-0.5 cat", "\\2-grams:"]
    lines[2:2] = ["ngram 2=1"]
    return NGram(written("toy.arpa", "\n".join([*lines, "-0.1 <s> cat", "\\end\\"])))


def _score_from_the_start(model: NGram) -> float:
    state = NGramState()
    model.BeginSentenceWrite(state)
    return model.BaseScore(state, "cat", state)


def _runs(*names: str) -> Any:
    return [SimpleNamespace(run=SimpleNamespace(path=Path(name))) for name in names]


def taken_port() -> None:
    listener = bind("127.0.0.1", None)
    try:
        bind("127.0.0.1", listener.getsockname()[1])
    finally:
        listener.close()


def encoded(split: str, *lines: str, **options: Any) -> object:
    sources = {"train": lambda: iter(["a b", "b c"]), split: lambda: iter(lines)}
    if options.pop("no_train", False):
        del sources["train"]
    return encode_corpus(sources, WORD, key="k", cache=Path("cache"), **options)


def examples(split: str, *rows: tuple[str, str], **options: Any) -> Any:
    return encode_labelled({split: lambda: iter(rows)}, WORD, max_length=9, **options)


def pairs(split: str, *rows: tuple[str, str], **options: Any) -> Any:
    tokenizer = get_tokenizer(options.pop("tokenizer", "word"))
    return encode_seq2seq({split: lambda: iter(rows)}, tokenizer, **options)


def both(corpus: Any) -> Any:
    return corpus.source_vocabulary, corpus.target_vocabulary


def tagged(split: str, *sentences: str) -> object:
    text = "".join(
        "".join(f"{word} {tag}\n" for word, tag in zip("abc", each, strict=False)) + "\n"
        for each in sentences
    )
    for name in ("train", "valid", "test"):
        written(f"tags/{name}.txt", "a X\nb Y\n\n")
    written(f"tags/{split}.txt", text)
    options: dict[str, Any] = {"lowercase": False, "zero_digits": False, "min_count": 1, "vocab_size": None}
    sources = {split: open_tagged("tags").sources[split]} if sentences else {split: lambda: iter(())}
    return encode_tagged(
        sources, scheme="bio", input_scheme=None, on_broken_tags="error", max_length=9, **options
    )


def images(**options: Any) -> ImageClassifier:
    return make_image_model(
        image_config("mlp", height=4, width=4, channels=1, classes=2, **options), generator=0
    )


def image_batches(count: int) -> ImageBatches:
    data = LabelledImages(np.zeros((count, 1, 4, 4), np.uint8), np.zeros(count, np.int64))
    return ImageBatches(data, 1, standardization=Standardization(*np.ones((2, 1), np.float32)))


def pictures(count: int, *, write: Callable[[str, int], object] | None = None) -> object:
    """A corpus of images in a folder for each of two classes."""
    for label in "ab":
        for number in range(count if label == "a" else 2):
            picture(f"pictures/{label}/{number}.png", 5 + number)
    return folder_images(Path("pictures"), image_size=4)


def picture(name: str, size: int) -> None:
    from PIL import Image

    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((size, size), size, np.uint8)).save(name)


def huge() -> bytes:
    """The header of a BMP of 60,000 × 60,000 pixels."""
    return struct.pack("<2sIHHIIiiHHIIiiII", b"BM", 54, 0, 0, 54, 40, 60_000, 60_000, 1, 24, 0, 0, 0, 0, 0, 0)


def odd_picture(content: bytes) -> object:
    pictures(2)
    written("pictures/a/0.png", content)
    try:
        return folder_images(Path("pictures"), image_size=4)
    finally:
        Path("pictures/a/0.png").unlink()


def sentence_encoder(similarity: str | None = None) -> str:
    if not Path("encoder").exists():
        write_modules(write_bert(Path("encoder")), "mean_tokens")
    settings = {} if similarity is None else {"similarity_fn_name": similarity}
    written("encoder/config_sentence_transformers.json", json.dumps(settings))
    return "encoder"


def with_adapter() -> str:
    written(f"{sentence_encoder()}/adapter_model.safetensors", "")
    return "encoder"


def no_pooler() -> Path:
    arrays = {name: x for name, x in bert_arrays().items() if not name.startswith("pooler")}
    return write(Path("no-pooler"), BERT, arrays)


def with_vocabulary(text: str) -> Path:
    folder = write_bert(Path("words"))
    (folder / "vocab.txt").write_text(text)
    return folder


def bag() -> SequenceClassifier:
    config = SequenceClassifierConfig(BagConfig(5, embedding_size=4, word_dropout=0.5), 2)
    return SequenceClassifier(config, generator=0)


def language_model() -> LanguageModel:
    return LanguageModel(LanguageModelConfig(5, embedding_size=4, hidden_size=4), generator=0)


def translator(kind: str) -> Any:
    sizes = {"embedding_size": 4, "hidden_size": 4}
    if kind == "gru":
        return Seq2Seq(Seq2SeqConfig(5, 5, cell="gru", **sizes), generator=0)
    config = TransformerSeq2SeqConfig(
        source_vocab_size=5, target_vocab_size=5, num_layers=1, num_heads=1, max_length=4, **sizes
    )
    return TransformerSeq2Seq(config, generator=0)


def changed(name: str, **keys: Any) -> str:
    """A sentence encoder with a file that has other keys."""
    path = Path(sentence_encoder()) / name
    old = json.loads(path.read_text()) if path.exists() else {}
    path.write_text(json.dumps({**old, **keys}))
    return "encoder"


def class_folder(*names: str) -> str:
    for name in names:
        written(f"classes/{name}", f"{name}: a text of words\n" + NUMBERED)
    return "classes"


def zipped(*names: str) -> str:
    with zipfile.ZipFile("all.zip", "w") as archive:
        for name in names:
            archive.writestr(name, NUMBERED)
    return "all.zip"


def doubled() -> KeyedVectors:
    table = vectors("a", "b")
    table.index_to_key[1] = "a"
    return table


def saved(*words: str) -> str:
    save_vectors(vectors(*(words or "ab")), "v.kv")
    return "v.kv"


def model_file() -> str:
    Word2Vec([["a", "b"] * 9], min_count=1, vector_size=2, epochs=1).save("w2v.model")
    return "w2v.model"


def other_tensors() -> bytes:
    header, contents = encode_safetensors({"x": np.ones(9, np.float32)}, {})
    return b"".join((header, *contents))


def counts(*cells: int) -> SparseMatrix:
    """How often the first of two words stands beside these words."""
    columns = np.array(cells, np.int32)
    return SparseMatrix(np.zeros_like(columns), columns, np.ones(len(cells)), 2)


def subwords() -> Any:
    return get_tokenizer("bpe", lines=lambda: ["ab"] * 9, vocab_size=258)


def tagger() -> Any:
    from seqkit.tasks.sequence_labeling import SequenceLabelingSettings, load, train

    tagged("train", "XY", "YX")
    if not Path("tagger").exists():
        train(SequenceLabelingSettings(corpus="tags", model="frequent"), "tagger")
    return load("tagger")


def unfinished() -> RunDirectory:
    run = RunDirectory.create("run", {"task": "language_modeling"}, {})
    run.save_checkpoint({"x": FLOATS}, {})
    return run


def finished() -> RunDirectory:
    run = RunDirectory.open("run")
    run.save_model({"x": FLOATS}, {})
    return run


def optimizer(name: str) -> Any:
    return Adam([(name, Tensor(np.ones(3, np.float32), requires_grad=True))], lr=0.1)


@contextlib.contextmanager
def environment(**values: str) -> Any:
    import pytest

    with pytest.MonkeyPatch.context() as patch:
        for name, value in values.items():
            patch.setenv(name, value)
        yield


def mode(value: str | None) -> None:
    with environment(**({} if value is None else {"SEQKIT_KERNELS": value})):
        kernel_mode.__wrapped__()


LABELLED = "".join(f"{'pn'[n % 2]}\ttext number {n} of all\n" for n in range(60))
OBJECTS = "".join(
    json.dumps({"label": "pn"[n % 2], "text": f"text number {n} of all"}) + "\n" for n in range(60)
)
NUMBERED = "".join(f"text number {n}\n" for n in range(60))
IDS, LENGTHS = np.array([[1, 2], [3, 4]]), np.array([2, 1])
BAG, PAIR = (IDS, LENGTHS, np.array([0, 1])), (IDS, LENGTHS, IDS, IDS)
FLOATS = np.ones((2, 3), np.float32)


def _search_in_a_job(size: int) -> None:
    """Begin a search in one of several processes; alone it would go on with Optuna."""
    with (
        mock.patch.object(worker, "launched", return_value=Launch(0, size)),
        mock.patch.object(worker, "import_optuna", side_effect=_OneTrial),
        contextlib.suppress(_OneTrial),
    ):
        worker.search(LanguageModelSettings(), {"lr": LR}, "found")


class _OneTrial(Exception):
    """The search would begin."""


def _trainer_of_batch_norm(size: int) -> Trainer:
    group = ProcessGroup()
    group.size = size
    return Trainer(mock.MagicMock(model=nn.BatchNorm(3), group=group), mock.MagicMock())


MORE: dict[str, tuple[Call, Call]] = {
    # arrays, ops and modules
    r"x\.astype\(numpy\.float64\)": (
        lambda: gradient_check(lambda t: t * t, FLOATS),
        lambda: gradient_check(lambda t: t * t, FLOATS.astype(np.float64)),
    ),
    r"give NumPy or CuPy arrays": (lambda: array_module([1.0]), lambda: array_module(np.asarray([1.0]))),
    r"use auto, cpu, cuda or cuda:N": (lambda: device("gpu"), lambda: (device("auto"), device("cpu"))),
    r"unset it for the default, compiled": (lambda: mode("fast"), lambda: mode(None)),
    r"pass seqkit\.Generator\(seed\)'$": (
        lambda: ops.dropout(FLOATS, rate=0.5, generator=None),
        lambda: ops.dropout(FLOATS, rate=0.5, generator=Generator(0)),
    ),
    r"load it into a model of the same settings": (
        lambda: nn.Linear(2, 3).load_state_dict({}),
        lambda: nn.Linear(2, 3).load_state_dict(nn.Linear(2, 3).state_dict()),
    ),
    r"load the state of the same optimiser": (
        lambda: optimizer("w").load_state_dict(*optimizer("v").state_dict()),
        lambda: optimizer("w").load_state_dict(*optimizer("w").state_dict()),
    ),
    r"ban fewer ids": (
        lambda: require_finite(np.array([-np.inf]), np.arange(1)),
        lambda: require_finite(np.array([-1.0]), np.arange(1)),
    ),
    r"scale them as in training": (
        lambda: images().loss(np.ones((2, 4, 4, 1), np.uint8), np.zeros(2, np.int64)),
        lambda: images().loss(np.ones((2, 4, 4, 1), np.uint8).astype("float32") / 255, np.zeros(2, np.int64)),
    ),
    r"use \{', '\.join\(known\)\}": (lambda: images(depth=1), lambda: images(hidden=(3,))),
    r"known: ": (
        lambda: NGramConfig.from_dict({"size": 1}),
        lambda: NGramConfig.from_dict({"vocab_size": 5, "order": 2, "eos_id": 0}),
    ),
    r"use one of \{sorted\(DTYPES": (
        lambda: encode_safetensors({"x": np.ones(2, complex)}, {}),
        lambda: encode_safetensors({"x": np.ones(2, np.float32)}, {}),
    ),
    # corpora
    r"use \{', '\.join\(REGISTRY": (lambda: registered("pydoc"), lambda: registered("pydocs")),
    r"use \{' or '\.join\(splits": (
        lambda: check_split("c", "test", ("train", "valid")),
        lambda: check_split("c", "valid", ("train", "valid")),
    ),
    r"or a path": (lambda: open_corpus(""), lambda: open_corpus(written("t.txt", "words\n" * 60))),
    r"corpus_names\(type\)\)\}, or \{_FORMS": (
        lambda: open_labelled("pydocs"),
        lambda: open_labelled(written("l.tsv", LABELLED)),
    ),
    r"give \{_FORMS\['seq2seq": (
        lambda: open_seq2seq(written("en", "a\n") and ".", target="en"),
        lambda: open_seq2seq(written("en", NUMBERED), target=written("fr", NUMBERED)),
    ),
    r"leave one of them in the folder": (
        lambda: open_corpus(class_folder("train.txt", "train.text", "valid.txt", "test.txt")),
        lambda: (Path("classes/train.text").unlink(), open_corpus("classes")),
    ),
    r"add \{split\}\{first": (
        lambda: open_corpus(class_folder("train.txt")),
        lambda: open_corpus(class_folder("train.txt", "valid.txt", "test.txt")),
    ),
    r"name it: ": (
        lambda: open_corpus(written("t.csv", "title,body,year\n" + "a,b,1\n" * 60)),
        lambda: open_corpus("t.csv", text_column="body"),
    ),
    r"name a column that is there": (
        lambda: open_corpus(written("t.csv", "title,body\n" + "a,b\n" * 60), text_column=3, header=True),
        lambda: open_corpus("t.csv", text_column=2, header=True),
    ),
    r"leave header out": (
        lambda: open_labelled(written("l.jsonl", OBJECTS), header=True),
        lambda: open_labelled("l.jsonl"),
    ),
    r"leave header=False out": (
        lambda: open_labelled(
            written("l.csv", "kind,what\n" + "p,a\nn,b\np,c\n" * 9), label_column="kind", header=False
        ),
        lambda: open_labelled("l.csv", label_column="kind"),
    ),
    r"write lines such as": (
        lambda: open_labelled(written("l.jsonl", "\n")),
        lambda: open_labelled(written("l.jsonl", OBJECTS)),
    ),
    r"a file that is there": (
        lambda: open_corpus(f"{zipped('a.txt', 'b.txt')}:c.txt"),
        lambda: open_corpus("all.zip:b.txt"),
    ),
    r"write CLASS\.txt for each class": (
        lambda: open_labelled(class_folder("a.txt")),
        lambda: open_labelled(class_folder("a.txt", "b.txt")),
    ),
    r"save its text as a file in UTF-8": (
        lambda: list(open_corpus(written("t.txt", b"%PDF-1.7\n" * 90)).sources["train"]()),
        lambda: list(open_corpus(written("t.txt", "words\n" * 60)).sources["train"]()),
    ),
    r"give a file with text in it": (
        lambda: content_size(Path(written("t.txt", ""))),
        lambda: content_size(Path(written("t.txt", "a\n"))),
    ),
    r"add images, or give train and test": (lambda: pictures(1), lambda: pictures(2)),
    r"make it smaller, or leave it out": (lambda: odd_picture(huge()), lambda: pictures(2)),
    r"see whether another program opens": (lambda: odd_picture(b"\x89PNG"), lambda: pictures(2)),
    r"add them, as they are or as": (
        lambda: (write_idx(Path("idx")), Path("idx/train-labels-idx1-ubyte").unlink(), open_images("idx")),
        lambda: open_images(write_idx(Path("whole"))),
    ),
    r"write its texts to a file, one a line": (
        lambda: list(open_corpus(written("t.txt", '{"a": 1}\n' * 60)).sources["train"]()),
        lambda: list(open_corpus(written("t.txt", "words\n" * 60)).sources["train"]()),
    ),
    r"^f'give \{_FORMS\[type\]\}'": (
        lambda: open_corpus(str(unfinished().path)),
        lambda: open_corpus(written("t.txt", "words\n" * 60)),
    ),
    r"give more \{rule\.unit": (
        lambda: open_labelled(written("l.tsv", "p\ta\nn\tb\n")),
        lambda: open_labelled(written("l.tsv", LABELLED)),
    ),
    # data
    r"give a split with \{unit\} in it": (
        lambda: BucketedBatches("pairs", (np.arange(0),), 1),
        lambda: BucketedBatches("pairs", (np.arange(1),), 1),
    ),
    r"give a split with images in it": (lambda: image_batches(0), lambda: image_batches(2)),
    r"add one, or give a vocabulary'": (
        lambda: encoded("test", "a b", no_train=True),
        lambda: encoded("test", "a b", no_train=True, vocabulary=encoded("test", "a b").vocabulary),  # type: ignore[attr-defined]
    ),
    r"give lines without line ends": (lambda: encoded("test", "a\nb"), lambda: encoded("test", "a", "b")),
    r"give a text that is not blank": (lambda: encoded("train", " "), lambda: encoded("train", "a b")),
    r"give a text with more words": (lambda: encoded("train", "a a"), lambda: encoded("train", "a b")),
    r"add one, or give vocabularies": (
        lambda: examples("test", ("a", "x"), ("b", "y")),
        lambda: examples("train", ("a", "x"), ("b", "y")),
    ),
    r"give training texts with it": (
        lambda: examples("train", ("a", "x"), ("b", "z"), labels=("x", "y")),
        lambda: examples("train", ("a", "x"), ("b", "y"), labels=("x", "y")),
    ),
    r"leave out the target's": (
        lambda: pairs("train", ("a", "b"), shared=True, target_tokenizer=get_tokenizer("char")),
        lambda: pairs("train", ("a", "b"), shared=True),
    ),
    r"give one of encode_seq2seq": (
        lambda: pairs("train", ("a", "b"), vocabularies=(encoded("test", "a").vocabulary,) * 2),  # type: ignore[attr-defined]
        lambda: pairs("train", ("a", "b"), vocabularies=both(pairs("train", ("a", "b")))),
    ),
    r"give more pairs": (lambda: pairs("train"), lambda: pairs("train", ("a", "b"))),
    r"leave it out of the text": (
        lambda: pairs("train", ("a", "<eos>"), tokenizer="whitespace"),
        lambda: pairs("train", ("a", "b")),
    ),
    r"give more sentences": (lambda: tagged("train"), lambda: tagged("train", "XY")),
    r"give sentences with two tags": (lambda: tagged("train", "XX"), lambda: tagged("train", "XY")),
    r"^'add one'$": (lambda: tagged("test", "XY"), lambda: tagged("train", "XY")),
    # models and their folders
    r"give a folder of a GPT-2": (
        lambda: gpt2.load(changed("config.json", model_type="opt")),
        lambda: bert.load(changed("config.json", model_type="bert")),
    ),
    r"open it with models\.bert\.load": (
        lambda: gpt2.load(sentence_encoder()),
        lambda: bert.load(sentence_encoder()),
    ),
    r"use models\.bert\.load, or": (
        lambda: bert.load_masked(sentence_encoder()),
        lambda: bert.load(sentence_encoder()),
    ),
    r"merge it into the model": (
        lambda: sentence_encoding.load(with_adapter()),
        lambda: (Path("encoder/adapter_model.safetensors").unlink(), sentence_encoding.load("encoder")),
    ),
    r"set encoder\.similarity, or": (
        lambda: sentence_encoding.load(sentence_encoder("manhattan")).nearest(["a"], ["b"]),
        lambda: sentence_encoding.load(sentence_encoder("manhattan")).encode(["a", "b"]),
    ),
    r"^'pass \[text\]'": (
        lambda: sentence_encoding.load(sentence_encoder()).nearest("a", ["b"]),  # type: ignore[arg-type]
        lambda: sentence_encoding.load(sentence_encoder()).nearest(["a"], ["b"]),
    ),
    r"^'\[text\]'": (lambda: subwords().encode("ab"), lambda: subwords().encode(["ab"])),
    r"pass \[text\.split\(\)\]": (
        lambda: tagger().tag_words("a b"),
        lambda: tagger().tag_words([["a", "b"]]),
    ),
    r"train a masked model with": (
        lambda: LanguageModelSettings(objective="masked").resolve(open_corpus(written("t.txt", NUMBERED))),
        lambda: __import__("seqkit.tasks.masked_language_modeling"),
    ),
    r"resume its training first": (lambda: unfinished().load_model(), lambda: finished().load_model()),
    r"give another model": (
        lambda: sentence_encoding.load(changed("tokenizer_config.json", truncation_side="left")),
        lambda: sentence_encoding.load(changed("tokenizer_config.json", truncation_side="right")),
    ),
    r"give weights that are not quantised": (
        lambda: bert.load(
            write(Path("int8"), BERT, {n: a.astype(np.int8) for n, a in bert_arrays().items()})
        ),
        lambda: bert.load(write(Path("float"), BERT, bert_arrays())),
    ),
    r"average its hidden states": (
        lambda: bert.load(no_pooler()).pooled(Tensor(np.zeros((1, 2, 4), np.float32))),
        lambda: sentence_encoding.load(sentence_encoder()).encode(["a"]),
    ),
    r"is it the vocabulary of a BERT": (
        lambda: sentence_encoding.load(with_vocabulary("a\nb\n")),
        lambda: sentence_encoding.load(write_bert(Path("bert"))),
    ),
    r"pass seqkit\.Generator\(seed\)\"?'?$": (
        lambda: bag().loss(*BAG),
        lambda: bag().loss(*BAG, generator=Generator(0)),
    ),
    r"leave with_attention off": (
        lambda: greedy(language_model(), start_id=0, max_new_tokens=1, with_attention=True),
        lambda: greedy(language_model(), start_id=0, max_new_tokens=1),
    ),
    r"use a recurrent decoder": (
        lambda: translator("transformer").loss(*PAIR, teacher_forcing=0.5),
        lambda: translator("gru").loss(*PAIR, teacher_forcing=0.5, generator=Generator(0)),
    ),
    # vectors
    r"use str\(word\) for each": (
        lambda: Word2Vec([[1, 2] * 9], min_count=1, vector_size=2).save("w2v.model"),  # type: ignore[list-item]
        lambda: Word2Vec([["1", "2"] * 9], min_count=1, vector_size=2).save("w2v.model"),
    ),
    r"give a longer text'": (lambda: ppmi(counts()), lambda: ppmi(counts(1))),
    r"is it of another language or form": (
        lambda: evaluate_pairs(vectors("a", "b"), written("p.tsv", "x\ty\t1\n")),
        lambda: evaluate_pairs(vectors("a", "b"), written("p.tsv", "a\tb\t1\na\ta\t2\n")),
    ),
    r"correct or remove the line": (
        lambda: evaluate_pairs(vectors("a", "b"), written("p.tsv", "a\tb\tc\td\ne\tf\n")),
        lambda: evaluate_pairs(vectors("a", "b"), written("p.tsv", "a\tb\t1\na\ta\t2\n")),
    ),
    r"remove one'": (
        lambda: save_vectors(doubled(), "v.kv"),
        lambda: save_vectors(vectors("a", "b"), "v.kv"),
    ),
    r"is the path right": (lambda: load_vectors("none.kv"), lambda: load_vectors(saved())),
    r"give a file that save_vectors wrote": (
        lambda: load_vectors(written("v.safetensors", other_tensors())),
        lambda: load_vectors(saved()),
    ),
    r"read the file that it was made of": (
        lambda: load_vectors(written("v.tsv", "1\t2\n"), "projector"),
        lambda: load_vectors(saved()),
    ),
    r"load a file that Word2Vec\.save wrote": (
        lambda: Word2Vec.load(saved()),
        lambda: Word2Vec.load(model_file()),
    ),
    r"^Remedy\('lower min_count', command": (
        lambda: Word2Vec([["a"] * 20], min_count=1),
        lambda: Word2Vec([["a", "b"] * 9], min_count=1, vector_size=2),
    ),
    r"name another file": (
        lambda: evaluation_files("none.txt", None),
        lambda: evaluation_files(written("q.txt", ": a\na b c d\n"), None),
    ),
    # figures and commands
    r"draw less": (lambda: new_figure(1e4, 1e4), lambda: new_figure(2, 2)),
    r"create it first": (lambda: check_figure_path("no/figure.png"), lambda: check_figure_path("figure.png")),
    r"use \{' or '\.join\(PROJECTIONS": (lambda: check_projection("umap"), lambda: check_projection("pca")),
    r"give the records of a log\.jsonl": (
        lambda: plot_curves([[{"step": 1}]]),
        lambda: plot_curves([[{"step": 1, "loss": 2.0}]]),
    ),
    r"draw it by=": (
        lambda: plot_curves([[{"step": 1, "loss": 2.0}]], by="epoch"),
        lambda: plot_curves([[{"step": 1, "loss": 2.0}]], by="step"),
    ),
    r"leave out --out and --normalize": (
        lambda: command(
            "embed", sentence_encoder(), written("t.txt", "a\n"), "--similar", "t.txt", "--normalize"
        ),
        lambda: command("embed", sentence_encoder(), written("t.txt", "a\n"), "--similar", "t.txt"),
    ),
    r"end it in \{', '\.join\(writers": (
        lambda: command("embed", sentence_encoder(), written("t.txt", "a\n"), "--out", "v.csv"),
        lambda: command("embed", sentence_encoder(), written("t.txt", "a\n"), "--out", "v.npy"),
    ),
    r"give the folder of a training run, or": (
        lambda: open_items([written("notes/a.md", "") and "notes"]),
        lambda: open_items([saved()]),
    ),
    r"such as `seqkit explore RUN`": (
        lambda: command("explore", "--no-browser"),
        lambda: open_items([saved()]),
    ),
    r"choose another port": (taken_port, lambda: bind("127.0.0.1", None).close()),
    r"`seqkit lab list` shows them": (lambda: command("lab", "run"), lambda: command("lab", "list")),
    r"use --out, then `seqkit lab plot`": (
        lambda: command("lab", "run", "--all", "--plot", "f.png"),
        lambda: command("lab", "plot", "--help"),
    ),
    r"give more, or --neighbours 10": (
        lambda: command("plot", "vectors", "a", "b", "--vectors", saved(*"abcdef")),
        lambda: command("plot", "vectors", "a", "b", "--vectors", saved(*"abcdef"), "--neighbours", "10"),
    ),
    r"check its name; a text that": (
        lambda: (tagger(), command("tag", "tagger", "none.txt")),
        lambda: (tagger(), command("tag", "tagger", "a none")),
    ),
    r"give one of them": (
        lambda: command("eval-embeddings", saved(), "--vectors", saved()),
        lambda: command("eval-embeddings", saved(), "--pairs", written("p.tsv", "a\tb\t1\na\ta\t2\n")),
    ),
    r"give \[\{keys": (
        lambda: vectors("a", "b").n_similarity("ab", ["a"]),
        lambda: vectors("a", "b").n_similarity(["a", "b"], ["a"]),
    ),
    r"add --out RUN": (
        lambda: command("train-lm", "--resume"),
        lambda: command("train-lm", written("t.txt", NUMBERED), "--out", "new", "--dry-run"),
    ),
    r"write a table for each, such as lr = \{ log": (
        lambda: Space({"epochs": {"fixed": 2}}, LanguageModelSettings()),
        lambda: Space({"epochs": {"fixed": 2}, "lr": {"log": [0.0001, 0.01]}}, LanguageModelSettings()),
    ),
    r"write \{name\} = \{\{ fixed": (
        lambda: Space({"lr": LR, "epochs": 2}, LanguageModelSettings()),  # type: ignore[dict-item]
        lambda: Space({"lr": LR, "epochs": {"fixed": 2}}, LanguageModelSettings()),
    ),
    r"leave \{field\} out of one of them": (
        lambda: Space({"lr": LR}, LanguageModelSettings(lr=0.1)),
        lambda: Space({"lr": LR}, LanguageModelSettings()),
    ),
    r"fix it, and search once for each": (
        lambda: Space({"lr": LR, "min-count": {"integer": [1, 3]}}, LanguageModelSettings()),
        lambda: Space({"lr": LR, "min-count": {"fixed": 3}}, LanguageModelSettings()),
    ),
    r"give one with train and valid": (
        lambda: TASKS["language_modeling"].score_of({}),
        lambda: TASKS["language_modeling"].score_of({"loss": 1.0}),
    ),
    r"start the workers without it": (
        lambda: _search_in_a_job(2),
        lambda: _search_in_a_job(1),
    ),
    r"give the folder of a search": (
        lambda: Definition.read(Path()),
        lambda: begin(Path(), Definition("seq2seq", {}, {}), None),
    ),
    r"train with a single process": (
        lambda: _trainer_of_batch_norm(2),
        lambda: _trainer_of_batch_norm(1),
    ),
    r"^f'seqkit \{recipe_command": (
        lambda: command("train-seq2seq", "--recipe", "brown"),
        lambda: command("train-lm", "--recipe", "brown", "--help"),
    ),
    r"begin it with BeginSentenceWrite": (
        lambda: _toy_ngram().BaseScore(NGramState(), "cat", NGramState()),
        lambda: _score_from_the_start(_toy_ngram()),
    ),
    r"or delete this file if it was one": (
        lambda: EvaluationCheckpoint(written("notes.txt", "mine"), [], {}),
        lambda: EvaluationCheckpoint("kept", [], {}),
    ),
    r"^'give the checkpoint another name'": (
        lambda: [EvaluationCheckpoint("kept", [], {"cache": size}) for size in (1, 2)],
        lambda: [EvaluationCheckpoint(f"kept-{size}", [], {"cache": size}) for size in (1, 2)],
    ),
    r"leave out a model whose training diverged": (
        lambda: require_numbers(_runs("good", "diverged"), np.array([[-1.0, -2.0], [np.nan, -1.0]])),
        lambda: require_numbers(_runs("good"), np.array([[-1.0, -2.0]])),
    ),
}
