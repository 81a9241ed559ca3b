# %% [markdown] lang="en"
# # Volume 2, chapter 1: a review of neural networks
# The second volume begins with a summary of the first: a data set that no straight line separates, a
# network with one hidden layer, training in shuffled batches, and the boundaries that it learned.
# %% [markdown] lang="zh"
# # 第二本 第 1 章 神经网络的复习
# 第二本先把第一本的内容串起来：一组用直线分不开的数据，一个带隐藏层的网络，打乱后分批训练，最后画出它学到的
# 边界。
# %%
import os

import matplotlib.pyplot as plt
import numpy as np

from seqkit import Generator, nn, ops
from seqkit.autograd import no_grad
from seqkit.optim import SGD

SIZE = os.environ.get("NOTEBOOK_SIZE", "small")  # "book": the largest; "test": the smallest
EPOCHS = {"test": 60, "small": 300, "book": 300}[SIZE]
POINTS, CLASSES = 100, 3

# %% [markdown] lang="en"
# ## A spiral
# Three arms wind around the centre, a hundred points each. A linear classifier gets little more than half
# of them right.
# %% [markdown] lang="zh"
# ## 螺旋数据
# 三条旋臂绕着中心展开，每条一百个点。线性分类器只能答对一半多一点。
# %%
random = Generator(seed=0)
radius = np.tile(np.linspace(0.02, 1, POINTS), CLASSES)
labels = np.repeat(np.arange(CLASSES), POINTS)
angle = 4 * (radius + labels) + 0.2 * random.normal(len(labels))
x = np.stack([radius * np.sin(angle), radius * np.cos(angle)], axis=1).astype(np.float32)
print(x.shape, x.dtype, "examples per class:", np.bincount(labels))


def scatter(axes):
    for label, marker in zip(range(CLASSES), "ox^", strict=True):
        axes.plot(*x[labels == label].T, marker, markersize=4, color=f"C{label}")
    axes.set(xlabel="x1", ylabel="x2", xlim=(-1.1, 1.1), ylim=(-1.1, 1.1), aspect="equal")


figure, axes = plt.subplots(figsize=(4, 4), layout="constrained")
scatter(axes)


# %% [markdown] lang="en"
# ## Training
# A `Sequential` of layers and functions ([seqkit/nn/sequential.py](../seqkit/nn/sequential.py)), a loss, an
# optimiser, and a loop over shuffled batches: that is all there is to it. The package
# [seqkit/training](../seqkit/training) adds what a long training needs: checkpoints, logs, stopping rules.
# %% [markdown] lang="zh"
# ## 训练
# 用 `Sequential` 把层和函数串起来（[seqkit/nn/sequential.py](../seqkit/nn/sequential.py)），再加一个损失函
# 数、一个优化器和一个打乱顺序取批的循环，就齐了。[seqkit/training](../seqkit/training) 在此之上添了长时间训
# 练需要的东西：检查点、日志、停止规则。
# %%
def fit(*layers, epochs=EPOCHS, lr=1.0):
    network = nn.Sequential(*layers)
    optimizer, order, losses = SGD(network.parameters(), lr=lr), Generator(seed=1), []
    for _ in range(epochs):
        total = 0.0
        for rows in np.array_split(order.permutation(len(x)), 10):
            loss = ops.softmax_cross_entropy(network(x[rows]), labels[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() / 10
        losses.append(total)
    return network, losses


weights = Generator(seed=2)
networks = {
    "linear": fit(nn.Linear(2, CLASSES, generator=weights)),
    "10 hidden units": fit(
        nn.Linear(2, 10, generator=weights), ops.sigmoid, nn.Linear(10, CLASSES, generator=weights)
    ),
}
figure, axes = plt.subplots(figsize=(5, 3), layout="constrained")
for name, (_, losses) in networks.items():
    axes.plot(losses, label=name)
axes.axhline(np.log(CLASSES), color="0.5", linestyle=":", label="guessing")
axes.set(xlabel="epoch", ylabel="loss (nats)", ylim=(0, None))
axes.legend()
axes.grid(alpha=0.3)

# %% [markdown] lang="en"
# ## What was learned
# Each point of the plane in the colour of its likeliest class. The hidden layer bends the boundaries around
# the arms.
# %% [markdown] lang="zh"
# ## 学到了什么
# 把平面上每个点涂成网络认为最可能的那一类。有了隐藏层，边界就能沿着旋臂弯曲。
# %%
axis = np.linspace(-1.1, 1.1, 150, dtype=np.float32)
grid = np.stack(np.meshgrid(axis, axis), axis=-1)
figure, panels = plt.subplots(1, 2, figsize=(8, 4), layout="constrained")
for axes, (name, (network, _)) in zip(panels, networks.items(), strict=True):
    with no_grad():
        region = network(grid.reshape(-1, 2)).numpy().argmax(axis=1).reshape(grid.shape[:2])
        right = (network(x).numpy().argmax(axis=1) == labels).mean()
    colors = [f"C{label}" for label in range(CLASSES)]
    axes.contourf(axis, axis, region, levels=[-0.5, 0.5, 1.5, 2.5], colors=colors, alpha=0.25)
    scatter(axes)
    axes.set_title(f"{name}: {right:.0%} right")

# %% [markdown] lang="en"
# ## Precision
# 32-bit numbers take half the memory of 64-bit ones and are precise enough to learn with; they are the
# default here. Gradient checks need the digits of 64 bits, and `astype` converts a whole network.
# %% [markdown] lang="zh"
# ## 数值精度
# 32 位浮点数占的内存只有 64 位的一半，用来学习精度足够，在这里是默认类型。梯度检验则需要 64 位的有效数字，
# 用 `astype` 可以转换整个网络。
# %%
network, _ = networks["10 hidden units"]
with no_grad():
    single = network(x).numpy()
    double = network.astype(np.float64)(x.astype(np.float64)).numpy()
print(single.dtype, double.dtype, f"largest difference of a score: {abs(single - double).max():.1e}")
print("predictions that differ:", int((single.argmax(axis=1) != double.argmax(axis=1)).sum()))
