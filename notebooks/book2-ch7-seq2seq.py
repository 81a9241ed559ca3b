# %% [markdown] lang="en"
# # Volume 2, chapter 7: sequence to sequence
# An encoder reads a sequence into a state, a decoder writes another sequence from it. Sums of numbers,
# letter by letter, are the book's exercise: the network sees no numbers, only characters, and has to find
# out what addition is.
# %% [markdown] lang="zh"
# # 第二本 第 7 章 seq2seq
# 编码器把一个序列读成一个状态，解码器再由这个状态写出另一个序列。书中的练习是逐字符地做加法：网络看到的不是
# 数，只是一个个字符，得自己悟出加法是怎么回事。
# %%
import os
from itertools import islice

import matplotlib.pyplot as plt
import numpy as np

from seqkit import Generator, Vocabulary
from seqkit.corpora import open_seq2seq
from seqkit.decoding import greedy
from seqkit.models import Seq2Seq, Seq2SeqConfig
from seqkit.optim import Adam, clip_grad_norm

SIZE = os.environ.get("NOTEBOOK_SIZE", "small")  # "book": the largest; "test": the smallest
LARGEST = {"test": 9, "small": 39, "book": 999}[SIZE]
EPOCHS = {"test": 3, "small": 25, "book": 25}[SIZE]
HIDDEN = {"test": 32, "small": 64, "book": 128}[SIZE]

# %% [markdown] lang="en"
# ## The exercise
# The corpus `addition` has sums of numbers up to 999; learning it takes minutes (`seqkit train-seq2seq
# addition --reverse --peeky`, [docs/seq2seq.md](../docs/seq2seq.md)). To be quick, this notebook adds
# smaller numbers. Answers are padded with blanks, so that all of them are equally long, and a tenth of the
# sums is held out.
# %% [markdown] lang="zh"
# ## 题目
# 语料 `addition` 是 999 以内的加法，要训练几分钟才学得会
# （`seqkit train-seq2seq addition --reverse --peeky`，见 [docs/seq2seq.md](../docs/seq2seq.md)）。为了快
# 些，这里只加小一点的数。答案用空格补成同样长，留出十分之一的算式作测试。
# %%
for question, answer in islice(open_seq2seq("addition").pairs("train"), 4):
    print("corpus addition:", question, "→", answer)

symbols = Vocabulary([*"0123456789+ _"], unk=None, eos=None)
start, digits = symbols.id("_"), len(str(LARGEST))
random = Generator(seed=0)
if LARGEST < 100:
    sums = [(a, b) for a in range(LARGEST + 1) for b in range(LARGEST + 1)]
else:
    sums = list({(int(a), int(b)) for a, b in random.integers(0, LARGEST + 1, (50_000, 2))})
sums = [sums[i] for i in random.permutation(len(sums))]


def encode(texts, width):
    return np.stack([symbols.encode(text.ljust(width)) for text in texts])


source = encode([f"{a}+{b}" for a, b in sums], 2 * digits + 1)
target = encode([str(a + b) for a, b in sums], digits + 1)
held_out = len(sums) // 10
print(
    f"{len(sums) - held_out} sums to learn, {held_out} held out; the first: {sums[0]}, as ids",
    source[0],
    target[0],
)


# %% [markdown] lang="en"
# ## Three encoder-decoders
# *Plain*: the decoder starts from the encoder's last state. *Reversed*: the source is read from right to
# left, which brings its beginning close to the beginning of the answer. *Peeky*: the decoder sees the
# encoder's state at every step, not only at its first. [seqkit/models/seq2seq](../seqkit/models/seq2seq)
# has all of them.
# %% [markdown] lang="zh"
# ## 三种编码器-解码器
# **plain**：解码器从编码器的最后状态开始。**reversed**：从右往左读输入，让输入的开头与答案的开头靠近。
# **peeky**：解码器每一步都能看到编码器的状态，而不只是第一步。三种都在
# [seqkit/models/seq2seq](../seqkit/models/seq2seq)。
# %%
def learn(reverse, peeky):
    inputs = source[:, ::-1].copy() if reverse else source
    config = Seq2SeqConfig(len(symbols), len(symbols), 32, HIDDEN, peeky=peeky, pass_cell=False)
    model = Seq2Seq(config, generator=0)
    optimizer, random, curve = Adam(model.parameters(), lr=0.005), Generator(seed=1), []
    shifted = np.concatenate([np.full((len(target), 1), start), target[:, :-1]], axis=1)
    for _ in range(EPOCHS):
        order = random.permutation(len(sums) - held_out) + held_out
        for rows in np.array_split(order, max(1, len(order) // 64)):
            loss = model.loss(inputs[rows], None, shifted[rows], target[rows])
            optimizer.zero_grad()
            loss.backward()
            clip_grad_norm(model.parameters(), 5.0)
            optimizer.step()
        curve.append((answers(model, inputs[:held_out]) == target[:held_out]).all(axis=1).mean())
    return model, curve


def answers(model, inputs):
    length = digits + 1
    written = greedy(
        model,
        batch=len(inputs),
        max_new_tokens=length,
        start_id=start,
        context=(inputs, None),
        banned=[start],
    )
    return np.array([each.ids for each in written])


variants = {"plain": (False, False), "reversed": (True, False), "reversed, peeky": (True, True)}
trained = {name: learn(*settings) for name, settings in variants.items()}
figure, axes = plt.subplots(figsize=(6, 3.4), layout="constrained")
for name, (_, curve) in trained.items():
    axes.plot(range(1, EPOCHS + 1), curve, label=f"{name}: {curve[-1]:.0%}")
axes.set(xlabel="epoch", ylabel="held-out sums right", ylim=(-0.02, 1.02))
axes.legend()
axes.grid(alpha=0.3)

# %% [markdown] lang="en"
# ## Answers
# Sums that it has never seen. With numbers as small as these reversing alone changes little, and peeking a
# lot: reversing helps most where source and target begin alike, as in copying. A verdict on the three
# variants, and on passing on the LSTM's memory cell, is in
# [seqkit/lab/seq2seq_variants.py](../seqkit/lab/seq2seq_variants.py).
# %% [markdown] lang="zh"
# ## 看看答案
# 都是它没见过的算式。数这么小，单靠反转输入差别不大，peeky 的好处却很明显；反转在输入与输出开头相对应时最有
# 用，例如复制。对三种做法以及传递 LSTM 记忆单元的判定，见
# [seqkit/lab/seq2seq_variants.py](../seqkit/lab/seq2seq_variants.py)。
# %%
model, _ = trained["reversed, peeky"]
for (a, b), ids in zip(sums[:8], answers(model, source[:8, ::-1].copy()), strict=True):
    says = "".join(symbols.decode(ids)).strip()
    print(f"{a} + {b} = {says:<4}", "right" if says == str(a + b) else f"wrong, {a + b}")
