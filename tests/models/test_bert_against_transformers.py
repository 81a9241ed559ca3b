"""Folders written by the reference library, every weight random, agree to 1e-4; and ours open there."""

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seqkit.models import bert, gpt2
from seqkit.tasks.sentence_encoding import load
from seqkit.text import load_tokenizer
from tests.models.folders import write_modules

torch = pytest.importorskip("torch")
with warnings.catch_warnings():  # of its own dependencies, on import
    warnings.simplefilter("ignore")
    transformers = pytest.importorskip("transformers")

pytestmark = pytest.mark.filterwarnings("ignore")  # theirs

V, T = 101, 11
LENGTHS = np.array([T, 4, 7])
MASK = np.arange(T) < LENGTHS[:, None]
IDS = np.random.default_rng(0).integers(5, V, (3, T))
SIZES = {
    "vocab_size": V,
    "hidden_size": 24,
    "num_hidden_layers": 2,
    "num_attention_heads": 3,
    "intermediate_size": 40,
    "max_position_embeddings": 37,
}
DISTIL = {
    "vocab_size": V,
    "dim": 24,
    "n_layers": 2,
    "n_heads": 3,
    "hidden_dim": 40,
    "max_position_embeddings": 37,
}

KINDS: dict[str, tuple[str, dict[str, Any]]] = {
    "bert": ("Bert", SIZES),
    "bert with gelu_new": ("Bert", {**SIZES, "hidden_act": "gelu_new", "layer_norm_eps": 1e-5}),
    "distilbert": ("DistilBert", DISTIL),
    "roberta": ("Roberta", {**SIZES, "type_vocab_size": 1}),
    "xlm-roberta": ("XLMRoberta", {**SIZES, "type_vocab_size": 1}),
    "megatron-bert": ("MegatronBert", SIZES),
}


def reference(kind: str, suffix: str) -> Any:
    """A model of the reference library, not training, every parameter random."""
    name, settings = KINDS[kind]
    return randomized(
        getattr(transformers, f"{name}{suffix}")(getattr(transformers, f"{name}Config")(**settings))
    )


def randomized(model: Any) -> Any:
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.3)
    model.tie_weights()
    return model.eval()


def answer(model: Any, ids: np.ndarray, mask: np.ndarray | None = None) -> Any:
    with torch.no_grad():
        return model(
            torch.tensor(ids), attention_mask=None if mask is None else torch.tensor(mask.astype(np.int64))
        )


def padded(model: Any) -> np.ndarray:
    return np.where(MASK, IDS, getattr(model.config, "pad_token_id", None) or 0)


def opened(kind: Any, folder: Path) -> Any:
    """Our folder in the reference library, which must find each tensor and no other."""
    model, found = kind.from_pretrained(folder, output_loading_info=True)
    assert not any(found.values()), found
    return model.eval()


def close(ours: np.ndarray, theirs: Any, where: Any = slice(None)) -> None:
    np.testing.assert_allclose(ours[where], theirs.numpy()[where], rtol=0, atol=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_hidden_states_and_pooled_vectors(kind: str, tmp_path: Path) -> None:
    theirs = reference(kind, "Model")
    theirs.save_pretrained(tmp_path / "theirs")
    ours = bert.load(tmp_path / "theirs")
    bert.save(ours, tmp_path / "ours")
    again = opened(type(theirs) if kind != "xlm-roberta" else transformers.RobertaModel, tmp_path / "ours")
    for ids, mask in ((IDS, None), (padded(theirs), MASK)):
        expected, hidden = answer(theirs, ids, mask), ours(ids, mask)
        real = MASK if mask is not None else np.ones_like(MASK)
        close(hidden.data, expected.last_hidden_state, real)
        close(hidden.data, answer(again, ids, mask).last_hidden_state, real)
        if kind != "distilbert":
            close(ours.pooled(hidden).data, expected.pooler_output)


def test_token_types(tmp_path: Path) -> None:
    theirs = reference("bert", "Model")
    theirs.save_pretrained(tmp_path)
    types = np.random.default_rng(1).integers(0, 2, IDS.shape)
    with torch.no_grad():
        expected = theirs(torch.tensor(IDS), token_type_ids=torch.tensor(types)).last_hidden_state
    close(bert.load(tmp_path)(IDS, None, types).data, expected)


@pytest.mark.parametrize("kind", KINDS)
def test_scores_of_masked_tokens(kind: str, tmp_path: Path) -> None:
    theirs = reference(kind, "ForMaskedLM")
    theirs.save_pretrained(tmp_path / "theirs")
    ours = bert.load_masked(tmp_path / "theirs")
    ids = padded(theirs)
    expected = answer(theirs, ids, MASK).logits
    close(ours(ids, LENGTHS).data, expected, MASK)
    bert.save(ours, tmp_path / "ours")
    again = opened(
        type(theirs) if kind != "xlm-roberta" else transformers.RobertaForMaskedLM, tmp_path / "ours"
    )
    close(ours(ids, LENGTHS).data, answer(again, ids, MASK).logits, MASK)


@pytest.mark.parametrize("kind", ["bert", "distilbert", "roberta"])
def test_heads_that_are_not_read_are_passed_over(kind: str, tmp_path: Path) -> None:
    for suffix in ("ForSequenceClassification", "ForQuestionAnswering"):
        theirs = reference(kind, suffix)
        theirs.save_pretrained(tmp_path / suffix)
        expected = answer(theirs.base_model, IDS).last_hidden_state
        close(bert.load(tmp_path / suffix)(IDS).data, expected)


@pytest.mark.parametrize("tied", [True, False])
def test_scores_and_text_of_gpt2(tied: bool, tmp_path: Path) -> None:
    config = transformers.GPT2Config(
        vocab_size=V, n_embd=24, n_layer=2, n_head=3, n_positions=37, tie_word_embeddings=tied,
        bos_token_id=1, eos_token_id=1,
    )  # fmt: skip
    theirs = randomized(transformers.GPT2LMHeadModel(config))
    theirs.save_pretrained(tmp_path / "theirs")
    ours = gpt2.load(tmp_path / "theirs")
    expected = answer(theirs, IDS).logits
    close(ours(IDS).data, expected)
    gpt2.save(ours, tmp_path / "ours")
    close(ours(IDS).data, answer(opened(transformers.GPT2LMHeadModel, tmp_path / "ours"), IDS).logits)
    state, log_p = ours.start(3), torch.log_softmax(expected, dim=-1)
    for t in range(T):  # with the cache, as it generates
        step, state = ours.step(IDS[:, t], state)
        close(step, log_p[:, t])


# Tokens


TEXTS = [
    "Unaffable Café, naïve!",
    "",
    "日本 has 3.14 runners' runs…",
    "don't\tstop   running\u200b",
    "x" * 150,
]


def subword_vocabulary(folder: Path) -> Path:
    pieces = (
        "[PAD] [UNK] [CLS] [SEP] [MASK] un ##aff ##able cafe naive run ##ner ##s ##ning has stop don ' t , !"
    )
    characters = [f"{mark}{c}" for c in "abcdefghijklmnopqrstuvwxy0123456789.日" for mark in ("", "##")]
    (folder / "vocab.txt").write_text("\n".join([*pieces.split(), *characters]) + "\n", encoding="utf-8")
    return folder


@pytest.mark.parametrize("lowercase", [True, False])
def test_ids_of_wordpiece(lowercase: bool, tmp_path: Path) -> None:
    """From vocab.txt alone, and from the tokenizer.json that the reference writes."""
    subword_vocabulary(tmp_path)
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"do_lower_case": lowercase}))
    theirs = transformers.BertTokenizer.from_pretrained(tmp_path)
    expected = [list(ids) for ids in theirs(TEXTS)["input_ids"]]
    assert load_tokenizer(tmp_path).encode(TEXTS) == expected
    theirs.save_pretrained(tmp_path / "saved")
    (tmp_path / "saved" / "vocab.txt").unlink(missing_ok=True)
    ours = load_tokenizer(tmp_path / "saved")
    assert ours.encode(TEXTS) == expected
    assert ours.encode(TEXTS, max_length=6) == theirs(TEXTS, truncation=True, max_length=6)["input_ids"]
    ours.save(tmp_path / "ours")
    assert transformers.AutoTokenizer.from_pretrained(tmp_path / "ours")(TEXTS)["input_ids"] == expected


@pytest.mark.parametrize("kind", ["GPT2", "Roberta"])
def test_ids_of_byte_level_bpe(kind: str, tmp_path: Path) -> None:
    from seqkit.text import BpeTokenizer

    lines = ["the lower river flows lower", "a newer river isn't wider — 日本 café"] * 4
    model = json.loads(BpeTokenizer.train(lambda: lines, vocab_size=300).to_bytes())["model"]
    vocabulary = dict(model["vocab"])
    for token in ("<|endoftext|>", "<s>", "</s>", "<pad>", "<mask>"):
        vocabulary[token] = len(vocabulary)
    theirs = getattr(transformers, f"{kind}Tokenizer")(
        vocab=vocabulary, merges=[tuple(merge) for merge in model["merges"]]
    )
    theirs.save_pretrained(tmp_path)
    ours = load_tokenizer(tmp_path)
    assert ours.encode(TEXTS) == [list(ids) for ids in theirs(TEXTS)["input_ids"]]
    ids = ours.encode(["a lower river"])[0]
    assert ours.decode(ids) == theirs.decode(ids, skip_special_tokens=True)


def older_folder(folder: Path, *marks: str) -> int:
    """vocab.json and merges.txt of a small byte-level BPE, these tokens at its ends; how many there are."""
    from seqkit.text import BpeTokenizer

    lines = ["the lower river flows lower", "a newer river isn't wider — 日本 café"] * 4
    model = json.loads(BpeTokenizer.train(lambda: lines, vocab_size=300).to_bytes())["model"]
    tokens = [*marks[:-1], *(t for t in model["vocab"] if t not in ("<unk>", "<eos>")), marks[-1]]
    (folder / "vocab.json").write_text(json.dumps({token: number for number, token in enumerate(tokens)}))
    (folder / "merges.txt").write_text("".join(f"{left} {right}\n" for left, right in model["merges"]))
    return len(tokens)


@pytest.mark.parametrize("marks", [["<|endoftext|>"], ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]])
def test_ids_of_vocab_and_merges(marks: list[str], tmp_path: Path) -> None:
    older_folder(tmp_path, *marks)
    kind = transformers.RobertaTokenizer if "<s>" in marks else transformers.GPT2Tokenizer
    theirs, texts = kind.from_pretrained(tmp_path), [*TEXTS, f"a river{marks[0]}lower", "\n\n  a"]
    assert load_tokenizer(tmp_path).encode(texts) == [list(ids) for ids in theirs(texts)["input_ids"]]


def test_the_likeliest_text_of_gpt2(tmp_path: Path) -> None:
    """In several files, of bfloat16."""
    from seqkit.tasks.causal_checkpoints import load as load_causal

    size = older_folder(tmp_path, "<|endoftext|>")
    config = transformers.GPT2Config(
        vocab_size=size, n_embd=24, n_layer=2, n_head=3, n_positions=37, bos_token_id=size - 1,
        eos_token_id=size - 1,
    )  # fmt: skip
    theirs = randomized(transformers.GPT2LMHeadModel(config)).to(torch.bfloat16)
    theirs.save_pretrained(tmp_path, max_shard_size="9KB")
    assert len(list(tmp_path.glob("model-*.safetensors"))) > 1
    theirs, tokenizer = theirs.float(), transformers.GPT2Tokenizer.from_pretrained(tmp_path)
    for prompt in ("the lower river", "a"):
        ids = tokenizer(prompt, return_tensors="pt")
        expected = theirs.generate(**ids, max_new_tokens=9, do_sample=False, pad_token_id=size - 1)[0]
        [found] = load_causal(tmp_path).generate(prompt, max_new_tokens=9, temperature=0)
        assert found.text == tokenizer.decode(expected, clean_up_tokenization_spaces=False)


# Sentences


def test_sentence_vectors(tmp_path: Path) -> None:
    """Mean pooling and normalisation, as MiniLM's encoders have, over a batch padded by the reference."""
    theirs = reference("bert", "Model")
    theirs.save_pretrained(tmp_path)
    folder = subword_vocabulary(tmp_path)
    write_modules(folder, "mean_tokens", normalize=True, dimensions=24, max_seq_length=9)
    tokenizer = transformers.BertTokenizer.from_pretrained(tmp_path)
    batch = tokenizer(TEXTS, padding=True, truncation=True, max_length=9, return_tensors="pt")
    with torch.no_grad():
        hidden = theirs(**batch).last_hidden_state
    mask = batch["attention_mask"][..., None]
    mean = (hidden * mask).sum(1) / mask.sum(1)
    expected = torch.nn.functional.normalize(mean, dim=1)
    close(load(tmp_path).encode(TEXTS, batch_size=2), expected)


@pytest.mark.parametrize("pooling", ["mean", "cls", "max"])
@pytest.mark.parametrize("default_prompt", [None, "query"])
@pytest.mark.parametrize(("limit", "tokenizer_limit"), [(None, 16), (9, 16), (30, 16), (30, 37)])
@pytest.mark.parametrize("lowercase", [True, False])
def test_folders_of_sentence_transformers(
    lowercase: bool,
    limit: int | None,
    tokenizer_limit: int,
    default_prompt: str | None,
    pooling: str,
    tmp_path: Path,
) -> None:
    """Limits wherever they are kept, prompts, added tokens, texts that are cut or empty."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        library = pytest.importorskip("sentence_transformers")
        modules = pytest.importorskip("sentence_transformers.models")
    tokenizer = transformers.BertTokenizerFast(
        str(subword_vocabulary(tmp_path) / "vocab.txt"),
        do_lower_case=lowercase,
        model_max_length=tokenizer_limit,
    )
    tokenizer.add_tokens(["newtoken"])
    theirs = reference("bert", "Model")
    theirs.resize_token_embeddings(1 + max(tokenizer.get_vocab().values()))
    for each in (theirs, tokenizer):
        each.save_pretrained(tmp_path / "plain")
    limits = {} if limit is None else {"max_seq_length": limit}
    encoder = modules.Transformer(str(tmp_path / "plain"), **limits)
    library.SentenceTransformer(
        modules=[encoder, modules.Pooling(24, pooling_mode=pooling), modules.Normalize()],
        prompts={"query": "up: ", "passage": "down "},
        default_prompt_name=default_prompt,
        device="cpu",
    ).save(str(tmp_path / "saved"))
    expected = library.SentenceTransformer(str(tmp_path / "saved"), device="cpu")
    found, texts = load(tmp_path / "saved"), [*TEXTS, "", "up " * 60, "a newtoken HERE"]
    for prompt in (None, "passage"):
        ours, reference_vectors = (each.encode(texts, prompt_name=prompt) for each in (found, expected))
        np.testing.assert_allclose(ours, reference_vectors, atol=1e-5)
