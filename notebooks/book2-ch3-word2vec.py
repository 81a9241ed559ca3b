# %% [markdown] lang="en"
# # Volume 2, chapter 3: word2vec
# Instead of counting neighbours, predict them: a small network guesses a word from its neighbours (CBOW),
# or the neighbours from the word (skip-gram). The weights that it needs for this are word vectors.
# %% [markdown] lang="zh"
# # 第二本 第 3 章 word2vec
# 不数邻居，改为预测：一个小网络由邻居猜中间的词（CBOW），或由中间的词猜邻居（skip-gram）。为了猜得准而学到
# 的权重，就是词向量。
# %%
import os

import matplotlib.pyplot as plt
import numpy as np

from seqkit import Generator, Vocabulary, nn
from seqkit.autograd import no_grad
from seqkit.data import ContextWindows
from seqkit.models import Word2VecConfig, Word2VecModel
from seqkit.optim import Adam
from seqkit.plotting import plot_word_map, project_to_plane

SIZE = os.environ.get("NOTEBOOK_SIZE", "small")  # "book": the largest; "test": the smallest
EPOCHS = {"test": 60, "small": 400, "book": 1_000}[SIZE]

# %% [markdown] lang="en"
# ## A one-hot vector picks a row
# Multiplying a vector of zeros with a single 1 by a matrix picks a row of the matrix. So the layer need not
# multiply at all: it looks the row up ([seqkit/ops/embedding.py](../seqkit/ops/embedding.py)). With 10,000
# words that saves 10,000 products for each number.
# %% [markdown] lang="zh"
# ## one-hot 向量就是取一行
# 只有一个 1、其余全是 0 的向量乘以矩阵，得到的就是矩阵的一行。所以根本不必做乘法，直接查表就行
# （[seqkit/ops/embedding.py](../seqkit/ops/embedding.py)）。词表有一万个词时，每个数就省下一万次乘法。
# %%
layer = nn.Embedding(7, 3, generator=0)
one_hot = np.eye(7, dtype=np.float32)[[4, 0]]
with no_grad():
    print("product:", *(one_hot @ layer.weight.numpy()).round(3), sep="\n")
    print("look-up:", *layer(np.array([4, 0])).numpy().round(3), sep="\n")

# %% [markdown] lang="en"
# ## Contexts and targets
# A window of one word on each side makes the examples. The text is drawn by a tiny grammar, so that we know
# what should be similar: pets do one kind of thing, machines another.
# %% [markdown] lang="zh"
# ## 上下文与目标词
# 左右各取一个词作上下文，就得到训练样本。文本由一个很小的语法随机生成，这样我们事先就知道哪些词应当相似：宠
# 物做一类事，机器做另一类事。
# %%
SUBJECTS = {"pets": ["cat", "dog", "rabbit"], "machines": ["printer", "laptop", "phone"]}
VERBS = {"pets": ["eats", "sleeps", "jumps"], "machines": ["beeps", "starts", "crashes"]}
TIMES = ["today", "often", "again"]
random, words = Generator(seed=0), []
for _ in range(200):
    kind = ("pets", "machines")[int(random.integers(0, 2, 1)[0])]
    subject, verb, when = (int(i) for i in random.integers(0, 3, 3))
    words += ["the", SUBJECTS[kind][subject], VERBS[kind][verb], TIMES[when], "."]
vocabulary = Vocabulary(sorted(set(words)), unk=None, eos=None)
ids = vocabulary.encode(words)
windows = ContextWindows(ids, window=1, batch_size=5, shuffle=False)
contexts, centres = windows.batch(0, 0)
for context, centre in zip(contexts, centres, strict=True):
    before, after = vocabulary.decode(context)
    print(f"{before:>8} [{vocabulary.token(int(centre))}] {after}")

# %% [markdown] lang="en"
# ## CBOW and skip-gram
# Both models with the full softmax, which a vocabulary as small as this allows: `Word2VecModel` in
# [seqkit/models/word2vec.py](../seqkit/models/word2vec.py). Skip-gram's loss is the sum over both
# neighbours, so the two curves start from different heights. Neither can reach 0, since the grammar draws
# its words by chance.
# %% [markdown] lang="zh"
# ## CBOW 与 skip-gram
# 词表这么小，两个模型都可以用完整的 softmax：[seqkit/models/word2vec.py](../seqkit/models/word2vec.py) 中的
# `Word2VecModel`。skip-gram 的损失是两个邻居之和，所以两条曲线的起点不同。词是语法随机抽的，损失不可能降到
# 0。
# %%
models, curves = {}, {}
for name in ("cbow", "skip-gram"):
    config = Word2VecConfig(len(vocabulary), 8, model=name, loss="softmax", weight_init="normal")
    model = models[name] = Word2VecModel(config, generator=1)
    optimizer, curve = Adam(model.parameters(), lr=0.005), []
    windows = ContextWindows(ids, window=1, batch_size=250, seed=0)
    for epoch in range(EPOCHS):
        losses = []
        for contexts, centres in windows.epoch(epoch):
            loss = model.loss(contexts, centres)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        curve.append(np.mean(losses))
    curves[name] = curve
figure, axes = plt.subplots(figsize=(5, 3), layout="constrained")
for name, curve in curves.items():
    axes.plot(curve, label=name)
axes.set(xlabel="epoch", ylabel="loss (nats)", ylim=(0, None))
axes.legend()
axes.grid(alpha=0.3)

# %% [markdown] lang="en"
# ## The vectors
# Cosines of CBOW's vectors: words that can stand in the same place have become similar. No one told the
# model what a pet is.
# %% [markdown] lang="zh"
# ## 学到的词向量
# 下面是 CBOW 词向量之间的余弦：能出现在同样位置上的词变得相似了。没有人告诉过模型什么是宠物。
# %%
order = [*SUBJECTS["pets"], *SUBJECTS["machines"], *VERBS["pets"], *VERBS["machines"], *TIMES]
vectors = models["cbow"].vectors[vocabulary.encode(order)]
units = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
figure, axes = plt.subplots(figsize=(5.6, 4.8), layout="constrained")
image = axes.imshow(units @ units.T, cmap="RdBu_r", vmin=-1, vmax=1)
axes.set_xticks(range(len(order)), order, rotation=70)
axes.set_yticks(range(len(order)), order)
_ = figure.colorbar(image, label="cosine")

# %% [markdown] lang="en"
# The same on a plane.
# %% [markdown] lang="zh"
# 投影到平面上再看一遍。
# %%
kinds = [kind for kind in range(5) for _ in range(3)]
names = ["pets", "machines", "what pets do", "what machines do", "times"]
plot_word_map(order, project_to_plane(vectors), kinds, names)
