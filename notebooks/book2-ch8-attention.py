# %% [markdown] lang="en"
# # Volume 2, chapter 8: attention
# An encoder that must squeeze a whole sentence into one state loses details. With attention the decoder
# looks back at all states and chooses at each step which of them matter. This notebook computes attention
# by hand, trains it on dates, and draws where it looks.
# %% [markdown] lang="zh"
# # 第二本 第 8 章 注意力
# 编码器要把整个句子挤进一个状态，细节难免丢失。有了注意力，解码器可以回头看全部状态，每一步自己挑出要紧的几
# 个。这里先手算一遍注意力，再用日期格式转换来训练，最后画出它在看哪里。
# %%
import os
import tempfile
from itertools import islice
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from seqkit import Generator, Tensor, nn, ops
from seqkit.autograd import no_grad
from seqkit.corpora import generated_seq2seq
from seqkit.plotting import plot_attention
from seqkit.tasks import seq2seq
from seqkit.training import Callback

SIZE = os.environ.get("NOTEBOOK_SIZE", "small")  # "book": the largest; "test": the smallest
STEPS = {"test": 3, "small": 300, "book": 3_520}[SIZE]
PAIRS = {"test": 200, "small": 20_000, "book": 50_000}[SIZE]
HIDDEN = {"test": 32, "small": 96, "book": 256}[SIZE]

# %% [markdown] lang="en"
# ## Attention by hand
# Scores are products of the decoder's state with each encoder state, here divided by √8, the root of their
# size; softmax makes them weights; the result is the weighted mean. Here the query resembles the third
# state most, so the mean is close to it. The op is [seqkit/ops/attention.py](../seqkit/ops/attention.py).
# %% [markdown] lang="zh"
# ## 手算注意力
# 把解码器的状态与编码器的每个状态做内积，得到分数，这里再除以向量长度的平方根 √8；softmax 把分数变成权重；
# 再按权重求平均。这里的查询与第三个状态最像，所以平均的结果离它最近。运算在
# [seqkit/ops/attention.py](../seqkit/ops/attention.py)。
# %%
random = Generator(seed=0)
states = random.normal((1, 6, 8), dtype=np.float64)
query = states[:, 2:3] + 0.3 * random.normal((1, 1, 8), dtype=np.float64)
with no_grad():
    scores = (query @ states.swapaxes(1, 2))[0, 0] / np.sqrt(8)
    weights = ops.softmax(Tensor(scores)).numpy()
    mean = weights @ states[0]
print("scores ", scores.round(2))
print("weights", weights.round(2))
print("distance of the mean from each state:", np.linalg.norm(states[0] - mean, axis=1).round(2))

# %% [markdown] lang="en"
# ## Dates
# Dates as people write them, to be rewritten as year-month-day. The decoder should copy digits from the
# right places, and look up months: just what attention is for. The pairs are drawn at random; a date of the
# training split never occurs in another one, however it is written.
# %% [markdown] lang="zh"
# ## 日期
# 把人们写法各异的日期统一改写成“年-月-日”。解码器要从正确的位置抄数字，还要把月份名换成数字，正是注意力的
# 用武之地。这些日期对是随机生成的；训练集里的日期，无论怎样写法，都不会出现在其他部分。
# %%
corpus = generated_seq2seq("dates", count=PAIRS)
for source, target in islice(corpus.pairs("train"), 6):
    print(f"{source:<30} → {target}")


# %% [markdown] lang="en"
# ## Training
# A task of the library does everything: vocabulary, batches, training, checkpoints, evaluation
# ([seqkit/tasks/seq2seq](../seqkit/tasks/seq2seq)). The same on the command line: `seqkit train-seq2seq
# dates --attention dot`. Any file of tab-separated pairs is a corpus. A few hundred steps are enough to see
# it work; the recipe of the book, `--recipe dates-attention`, takes ten epochs.
# %% [markdown] lang="zh"
# ## 训练
# 库里的任务把一切都包办了：词表、分批、训练、检查点、评测
# （[seqkit/tasks/seq2seq](../seqkit/tasks/seq2seq)）。命令行上对应的是
# `seqkit train-seq2seq dates --attention dot`。任何用制表符分隔的成对文本都可以用来训练。训练几百步就能看出
# 效果；书中的设置是 `--recipe dates-attention`，要训练十个轮次。
# %%
class Losses(Callback):
    def __init__(self):
        self.values = []

    def on_step(self, step, loss):
        self.values.append(loss)


folder, losses = tempfile.TemporaryDirectory(), Losses()
pairs = "".join(f"{source}\t{target}\n" for source, target in corpus.pairs("train"))
Path(folder.name, "dates.tsv").write_text(pairs, encoding="utf-8")
settings = seq2seq.Seq2SeqSettings(
    corpus=f"{folder.name}/dates.tsv",
    tokenizer="char",
    attention="dot",
    weight_init="standard",
    embedding_size=32,
    hidden_size=HIDDEN,
    batch_size=64,
    lr=0.005,
    clip=5.0,
    max_steps=STEPS,
    examples=0,
    max_new_tokens=12,
)
model = seq2seq.train(settings, f"{folder.name}/run", callbacks=losses)

# %%
figure, axes = plt.subplots(figsize=(5.5, 3), layout="constrained")
axes.plot(losses.values)
axes.set(xlabel="step", ylabel="loss (nats per character)", ylim=(0, None))
axes.grid(alpha=0.3)
examples = list(islice(corpus.pairs("test"), 200))
written = model.translate([source for source, _ in examples])
right = [answer.text == target for [answer], (_, target) in zip(written, examples, strict=True)]
print(f"{np.mean(right):.0%} of {len(examples)} unseen dates right")
for [answer], (source, _) in zip(written[:5], examples, strict=False):
    print(f"{source:<30} → {answer.text}")

# %% [markdown] lang="en"
# ## Where it looks
# One row for each character written, one column for each character read: writing the year it looks at the
# year, wherever it stands. `seqkit plot attention RUN TEXT` draws this for any run.
# %% [markdown] lang="zh"
# ## 它在看哪里
# 每行是写出的一个字符，每列是读入的一个字符：写年份时，它看的就是年份，不管年份在什么位置。对任何一次训练，
# 用 `seqkit plot attention RUN TEXT` 都能画出这样的图。
# %%
text = "Wednesday, May 27, 1998"
[[translation]] = model.translate([text])
print(text, "→", translation.text)
folder.cleanup()
plot_attention(translation.attention, translation.source_tokens, translation.tokens)

# %% [markdown] lang="en"
# ## On to Transformers
# Self-attention lets every position of one sequence look at every other, without recurrence. Word order
# comes in through position vectors (left), and a mask keeps a language model from looking ahead (right):
# [seqkit/nn/transformer.py](../seqkit/nn/transformer.py), [docs/transformers.md](../docs/transformers.md).
# %% [markdown] lang="zh"
# ## 通向 Transformer
# 自注意力让序列中的每个位置直接看到其他所有位置，不再需要循环。词序由位置向量给出（左），语言模型则用掩码挡
# 住后面的内容（右）：[seqkit/nn/transformer.py](../seqkit/nn/transformer.py)，
# [docs/transformers.md](../docs/transformers.md)。
# %%
T, D = 24, 32
with no_grad():
    places = nn.SinusoidalPositions(D)(np.arange(T)).numpy()
q, k = (random.normal((T, D)) for _ in range(2))
scores = q @ k.T / np.sqrt(D)
scores[np.triu_indices(T, 1)] = -np.inf
causal = np.exp(scores - scores.max(axis=1, keepdims=True))
causal /= causal.sum(axis=1, keepdims=True)
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
left.imshow(places, cmap="RdBu_r", aspect="auto")
left.set(title="position vectors", xlabel="component", ylabel="position")
right.imshow(causal, cmap="Blues", vmax=0.5)
_ = right.set(title="causal attention, random weights", xlabel="position read", ylabel="position written")
