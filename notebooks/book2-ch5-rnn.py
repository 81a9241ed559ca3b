# %% [markdown] lang="en"
# # Volume 2, chapter 5: recurrent networks
# A recurrent network reads a text word by word and keeps a summary of it in its state. This notebook looks
# at the state, at the layout of the batches that long texts are cut into, and trains a language model: a
# network that predicts the next word.
# %% [markdown] lang="zh"
# # 第二本 第 5 章 循环神经网络
# 循环神经网络逐词阅读文本，把读过的内容浓缩在状态里。这里先看看状态，再看长文本怎样切成批，最后训练一个语言
# 模型，也就是预测下一个词的网络。
# %%
import os
from collections import Counter
from itertools import islice

import matplotlib.pyplot as plt
import numpy as np

from seqkit import Generator, Vocabulary, nn
from seqkit.autograd import no_grad
from seqkit.corpora import open_corpus
from seqkit.data import BPTTBatches
from seqkit.decoding import sample
from seqkit.metrics import perplexity
from seqkit.models import LanguageModel, LanguageModelConfig, NGramConfig, Unigram, fit_kneser_ney
from seqkit.optim import Adam, clip_grad_norm
from seqkit.text import get_tokenizer

SIZE = os.environ.get("NOTEBOOK_SIZE", "small")  # "book": the largest; "test": the smallest
CORPUS = {"test": "pydocs", "small": "pydocs", "book": "ptb"}[SIZE]
STRIDE = {"test": 60, "small": 8, "book": 1}[SIZE]
WORDS = {"test": 200, "small": 800, "book": 10_000}[SIZE]
EPOCHS = {"test": 1, "small": 6, "book": 40}[SIZE]
HIDDEN = {"test": 32, "small": 100, "book": 100}[SIZE]

# %% [markdown] lang="en"
# ## A state that changes
# hₜ = tanh(Wₓxₜ + Wₕhₜ₋₁ + b): the same weights at every step. The two inputs differ only in their first
# step; the states forget this difference step by step. The op runs over all steps at once:
# [seqkit/ops/recurrent.py](../seqkit/ops/recurrent.py).
# %% [markdown] lang="zh"
# ## 变化的状态
# hₜ = tanh(Wₓxₜ + Wₕhₜ₋₁ + b)，每一步都用同样的权重。下面两个输入只有第一步不同，状态却一步一步把这个差别
# 忘掉了。一个运算就处理完全部时刻：[seqkit/ops/recurrent.py](../seqkit/ops/recurrent.py)。
# %%
random = Generator(seed=0)
network, x = nn.RNN(4, 16, generator=random), random.normal((1, 30, 4))
changed = x.copy()
changed[:, 0] += 3
with no_grad():
    states, _ = network(x)
    other_states, _ = network(changed)
difference = np.linalg.norm(states.numpy() - other_states.numpy(), axis=2)[0]
print("inputs", x.shape, "states", states.shape)
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3), layout="constrained")
image = left.imshow(states.numpy()[0].T, cmap="RdBu_r", vmin=-1, vmax=1, aspect="auto")
left.set(title="states", xlabel="step", ylabel="unit")
figure.colorbar(image, ax=left)
right.semilogy(difference, "o-", markersize=3)
right.set(title="another first input", xlabel="step", ylabel="difference of the states")
right.grid(alpha=0.3)

# %% [markdown] lang="en"
# ## Long texts in batches
# Backpropagation through a whole book would need its whole history in memory. So the text is cut into B
# streams, and these into windows of T steps; the state passes from window to window, the gradient does not.
# Below the numbers 0 to 23 in two streams with windows of 4:
# [seqkit/data/language_modeling.py](../seqkit/data/language_modeling.py).
# %% [markdown] lang="zh"
# ## 长文本怎样分批
# 如果对整本书做反向传播，就得把全部历史都留在内存里。所以把文本切成 B 股，每股再切成长为 T 的窗口：状态从一
# 个窗口传到下一个，梯度不传。下面把 0 到 23 排成两股，窗口长 4：
# [seqkit/data/language_modeling.py](../seqkit/data/language_modeling.py)。
# %%
for number, (inputs, targets) in enumerate(BPTTBatches(np.arange(24), batch_size=2, bptt=4, start_id=99)):
    for row, (a, b) in enumerate(zip(inputs.tolist(), targets.tolist(), strict=True)):
        print(f"window {number}, stream {row}: inputs {a!s:<20} targets {b}")

# %% [markdown] lang="en"
# ## A text
# Every eighth line of the English text of the Python installation, in random order, since neighbours are
# about the same module. The book uses the Penn Treebank: there `seqkit train-lm ptb --model rnn` trains the
# model of this chapter.
# %% [markdown] lang="zh"
# ## 文本
# 在 Python 自带的英文文档里每八行取一行，再打乱顺序，因为相邻的行讲的往往是同一个模块。书中用的是 Penn
# Treebank；本章的模型在上面训练，用 `seqkit train-lm ptb --model rnn`。
# %%
tokenizer, corpus = get_tokenizer("word", lowercase=True), open_corpus(CORPUS)
texts = {}
for split in ("train", "valid"):
    lines = list(islice(corpus.lines(split), 0, None, STRIDE))
    if SIZE != "book":
        lines = [lines[i] for i in random.permutation(len(lines))]
    texts[split] = [token for line in lines for token in [*tokenizer.tokenize(line), "<eos>"]]
vocabulary = Vocabulary.from_counts(Counter(texts["train"]), size=WORDS, require_unk=True)
train, valid = (vocabulary.encode(tokens) for tokens in texts.values())
V, eos = len(vocabulary), vocabulary.eos_id
print(f"{len(train):,} tokens to train, {len(valid):,} to validate, {V:,} words")

# %% [markdown] lang="en"
# ## The language model
# Embedding, RNN, and a layer of scores for the next word:
# [seqkit/models/language_model.py](../seqkit/models/language_model.py). Perplexity is the exponential of
# the mean loss: at 100 the model is as uncertain as between 100 equally likely words. For comparison: word
# frequencies alone, and counts of up to four words in a row (Kneser-Ney).
# %% [markdown] lang="zh"
# ## 语言模型
# 词嵌入、RNN，再加一层给出下一个词的分
# 数：[seqkit/models/language_model.py](../seqkit/models/language_model.py)。困惑度是平均损失的指数：等于
# 100，就好比要在 100 个同样可能的词里猜一个。用来对照的是只看词频的模型，以及统计四个以内连续单词的
# Kneser-Ney 模型。
# %%
model = LanguageModel(LanguageModelConfig(V, "rnn", HIDDEN, HIDDEN), generator=0)
optimizer, curve = Adam(model.parameters(), lr=0.003), []


def validate():
    total, state = 0.0, None
    for inputs, targets in BPTTBatches(valid, batch_size=10, bptt=35, start_id=eos, drop_remainder=False):
        losses, state = model.token_losses(inputs, targets, state)
        total += float(losses.sum())
    return perplexity(total, len(valid))


for _ in range(EPOCHS):
    state, total, count = None, 0.0, 0
    for inputs, targets in BPTTBatches(train, batch_size=20, bptt=35, start_id=eos):
        loss, state = model.loss(inputs, targets, state)
        optimizer.zero_grad()
        loss.backward()
        clip_grad_norm(model.parameters(), 1.0)
        optimizer.step()
        total, count = total + loss.item() * targets.size, count + targets.size
    curve.append((perplexity(total, count), validate()))

baselines = {
    "word frequencies": Unigram.fit(train, V),
    "Kneser-Ney, order 4": fit_kneser_ney(train, NGramConfig(V, order=4, eos_id=eos)),
}
figure, axes = plt.subplots(figsize=(6, 3.4), layout="constrained")
on_train, on_valid = np.array(curve).T
axes.plot(range(1, EPOCHS + 1), on_train, "o-", markersize=3, label="RNN, training text, mean of the epoch")
axes.plot(
    range(1, EPOCHS + 1), on_valid, "s--", markersize=3, label=f"RNN, validation text: {on_valid[-1]:.0f}"
)
for color, (name, baseline) in zip(("0.6", "0.3"), baselines.items(), strict=True):
    value = perplexity(-float(baseline.log_probs(valid).sum()), len(valid))
    axes.axhline(value, color=color, linestyle=":", label=f"{name}: {value:.0f}")
axes.set(xlabel="epoch", ylabel="perplexity", ylim=(0, None))
_ = axes.legend()

# %% [markdown] lang="en"
# ## Writing
# Draw a word from the predicted distribution, feed it back, repeat. With a lower temperature likely words
# become likelier.
# %% [markdown] lang="zh"
# ## 生成文本
# 按预测的分布抽一个词，送回网络，如此反复。温度越低，高概率的词就越占优势。
# %%
prompt = vocabulary.encode(["the", "function"])
for temperature in (0.5, 1.0):
    settings = {"max_new_tokens": 20, "start_id": eos, "banned": [vocabulary.unk_id]}
    [text] = sample(model, generator=3, prompt=prompt, temperature=temperature, **settings)
    print(f"temperature {temperature}: the function", " ".join(vocabulary.decode(text.ids)))
