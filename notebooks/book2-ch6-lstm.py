# %% [markdown] lang="en"
# # Volume 2, chapter 6: gated recurrent networks
# A plain recurrent network forgets quickly, because gradients vanish on their way back through time. The
# LSTM adds a memory cell and gates that decide what to keep. This notebook measures the gradients, opens an
# LSTM, and improves the language model.
# %% [markdown] lang="zh"
# # 第二本 第 6 章 门控循环神经网络
# 普通的循环网络忘得很快，因为梯度沿时间往回传时会消失。LSTM 增加了记忆单元，并用门来决定记住什么。这里先测
# 量梯度，再打开一个 LSTM 看看，最后改进语言模型。
# %%
import os
from itertools import islice

import matplotlib.pyplot as plt
import numpy as np

from seqkit import Generator, Tensor, Vocabulary, nn, ops
from seqkit.autograd import no_grad
from seqkit.corpora import open_corpus
from seqkit.data import BPTTBatches
from seqkit.decoding import sample
from seqkit.lab import draw, get_experiment, run_experiment
from seqkit.models import LanguageModel, LanguageModelConfig
from seqkit.optim import Adam, clip_grad_norm

SIZE = os.environ.get("NOTEBOOK_SIZE", "small")  # "book": the largest; "test": the smallest
STEPS = {"test": 15, "small": 300, "book": 5_000}[SIZE]
HIDDEN = {"test": 32, "small": 64, "book": 256}[SIZE]
HOLD_STEPS = {"test": 10, "small": 250, "book": 1_000}[SIZE]

# %% [markdown] lang="en"
# ## Gradients through time
# The norm of a gradient T steps back. Through tanh it vanishes, with large weights it explodes; clipping
# helps against the second, the LSTM's cell against the first
# ([seqkit/lab/gradients_over_time.py](../seqkit/lab/gradients_over_time.py)).
# %% [markdown] lang="zh"
# ## 沿时间回传的梯度
# 图中是往回传 T 步之后梯度的范数。经过 tanh，梯度消失；权重大，梯度爆炸。后者靠裁剪应付，前者靠 LSTM 的记忆
# 单元（[seqkit/lab/gradients_over_time.py](../seqkit/lab/gradients_over_time.py)）。
# %%
results = run_experiment(get_experiment("gradients-over-time"))
print("verdict:", results.verdict().outcome)
draw(results)


# %% [markdown] lang="en"
# ## Inside an LSTM
# An LSTM is trained to hold a value: it reads digits from 0 to 3, some of them marked, and says at each
# step which digit was marked last. Afterwards the gates can be computed from its weights, in the order
# input, forget, candidate, output ([seqkit/ops/recurrent.py](../seqkit/ops/recurrent.py)).
# %% [markdown] lang="zh"
# ## LSTM 的内部
# 训练一个 LSTM 来保存数值：它读入 0 到 3 的数字，其中有些带标记，每一步都要说出最近一个带标记的数字是几。学
# 会之后，就可以由权重算出各个门，顺序是输入门、遗忘门、候选值、输出门
# （[seqkit/ops/recurrent.py](../seqkit/ops/recurrent.py)）。
# %%
def stream(random, batch, T):
    values, marked = random.integers(0, 4, (batch, T)), random.uniform((batch, T)) < 0.12
    marked[:, 0] = True
    x = np.concatenate([np.eye(4)[values], marked[..., None]], axis=2).astype(np.float32)
    last = np.maximum.accumulate(np.where(marked, np.arange(T), 0), axis=1)
    return x, np.take_along_axis(values, last, axis=1), marked


H, random = 16, Generator(seed=0)
network, output = nn.LSTM(5, H, generator=random), nn.Linear(H, 4, generator=random)
network.set_forget_bias()
parameters = [*network.parameters(), *output.parameters()]
optimizer = Adam(parameters, lr=0.02)
for _ in range(HOLD_STEPS):
    x, targets, _ = stream(random, 32, 20)
    loss = ops.softmax_cross_entropy(output(network(Tensor(x))[0]), targets)
    optimizer.zero_grad()
    loss.backward()
    clip_grad_norm(parameters, 1.0)
    optimizer.step()
x, targets, marked = stream(Generator(seed=5), 1, 40)
with no_grad():
    h = network(Tensor(x))[0]
    right = output(h).numpy().argmax(axis=2) == targets
    before = np.concatenate([np.zeros((1, 1, H), np.float32), h.numpy()[:, :-1]], axis=1)
    layer = network.layers[0]
    sums = x @ layer.weight_ih.numpy().T + before @ layer.weight_hh.numpy().T + layer.bias.numpy()
gates = 1 / (1 + np.exp(-sums[0]))
print(f"loss {loss.item():.3f} nats; {right.mean():.0%} of this stream right")
figure, panels = plt.subplots(2, 1, figsize=(9, 4.4), layout="constrained", sharex=True)
for axes, name, first in zip(panels, ("input gate", "forget gate"), (0, H), strict=True):
    image = axes.imshow(gates[:, first : first + H].T, cmap="viridis", vmin=0, vmax=1, aspect="auto")
    axes.vlines(np.flatnonzero(marked[0]), -0.5, H - 0.5, color="w", linestyle=":", linewidth=1.5)
    axes.set(title=f"{name} (dotted: a value is marked)", ylabel="unit")
    figure.colorbar(image, ax=axes)
_ = panels[1].set_xlabel("step")

# %% [markdown] lang="en"
# Where a value is marked, forget gates close (dark) to drop the old value, and input gates open to let the
# new one in; in between most forget gates stay open.
# %% [markdown] lang="zh"
# 在带标记的地方，遗忘门关上（变暗），丢掉旧值，输入门打开，放进新值；其余时间大多数遗忘门都开着。

# %% [markdown] lang="en"
# ## RNN and LSTM as language models
# Letters this time, which are quick to train. The LSTM has four times the recurrent weights and is slower
# for each step; what its memory is worth shows in longer training than this.
# %% [markdown] lang="zh"
# ## 用作语言模型
# 这次以字母为单位，训练起来快。LSTM 的循环权重是 RNN 的四倍，每一步也更慢；它的记忆有多大价值，要训练得比这
# 更久才看得出来。
# %%
text = "\n".join(islice(open_corpus("pydocs").lines("train"), 0, None, 4))
letters = Vocabulary(sorted(set(text)), unk=None, eos=None)
ids, V, newline = letters.encode(text), len(letters), letters.id("\n")
figure, axes = plt.subplots(figsize=(6, 3.4), layout="constrained")
for name in ("rnn", "lstm"):
    model = LanguageModel(LanguageModelConfig(V, name, HIDDEN, HIDDEN, tied=False), generator=0)
    optimizer, losses, state = Adam(model.parameters(), lr=0.01), [], None
    for inputs, targets in islice(BPTTBatches(ids, batch_size=20, bptt=35, start_id=newline), STEPS):
        loss, state = model.loss(inputs, targets, state)
        optimizer.zero_grad()
        loss.backward()
        clip_grad_norm(model.parameters(), 1.0)
        optimizer.step()
        losses.append(loss.item())
    smooth = np.convolve(losses, np.ones(10) / 10, "valid")
    axes.plot(np.exp(smooth), label=f"{name.upper()}: {model.parameter_count():,} weights")
axes.set(xlabel="step", ylabel="perplexity of a letter", ylim=(0, 30))
axes.legend()
axes.grid(alpha=0.3)

# %% [markdown] lang="en"
# ## Writing letter by letter
# The LSTM after this short training: spelling comes first, sense much later.
# %% [markdown] lang="zh"
# ## 逐字母生成
# LSTM 只训练了这么一会儿：先学会的是拼写，要言之有物还早得很。
# %%
[sampled] = sample(
    model, generator=1, max_new_tokens=200, start_id=newline, prompt=letters.encode("The "), temperature=0.7
)
print("The " + "".join(letters.decode(sampled.ids)))

# %% [markdown] lang="en"
# ## Three improvements
# The chapter's better model has two layers, dropout between them, and one matrix for embedding and output
# ("tied" weights). The table counts weights for 10,000 words and layers of 200: tying saves more than the
# second layer costs. What the three are worth in perplexity takes hours of training to see: `seqkit
# train-lm ptb --recipe word-lm-650`, and [docs/results.md](../docs/results.md) for the outcome.
# %% [markdown] lang="zh"
# ## 三项改进
# 本章改进后的模型有两层，层间加 Dropout，词嵌入与输出层共用一个矩阵（权重共享）。下表是一万个词、每层 200
# 个单元时的参数个数：共享权重省下的，比第二层增加的还多。这三项能让困惑度降多少，要训练几个小时才看得到：
# `seqkit train-lm ptb --recipe word-lm-650`，结果见 [docs/results.md](../docs/results.md)。
# %%
for layers, tied in ((1, False), (2, False), (1, True), (2, True)):
    config = LanguageModelConfig(10_000, "lstm", 200, 200, layers, tied=tied)
    count = LanguageModel(config, generator=0).parameter_count()
    print(f"layers {layers}, {'tied' if tied else 'separate':<8}: {count:>10,} weights")
