"""The special tokens: add another one here."""

UNK = "<unk>"
"""Stands for every token that is not in the vocabulary."""
EOS = "<eos>"
"""Ends a line of text, and the target of a sequence-to-sequence model."""
START = "<s>"
"""The first input of a decoder."""
CLS = "<cls>"
"""Stands before a text; its output vector represents the whole text."""
MASK = "<mask>"
"""Replaces the tokens that a masked language model has to predict."""

BERT_TOKENS = {
    "unk_token": "[UNK]",
    "sep_token": "[SEP]",
    "cls_token": "[CLS]",
    "pad_token": "[PAD]",
    "mask_token": "[MASK]",
}
"""The special tokens of BERT's checkpoints, by their keys in ``tokenizer_config.json``."""
GPT_TOKENS = ("<s>", "<pad>", "</s>", "<unk>", "<mask>", "<|endoftext|>")
"""The special tokens of GPT-2's and RoBERTa's checkpoints."""
