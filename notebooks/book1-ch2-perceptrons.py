# %% [markdown] lang="en"
# # Volume 1, chapter 2: perceptrons
# A perceptron multiplies its inputs by weights, adds a bias, and says 1 if the result is above 0. This
# notebook builds logic gates out of it, shows why XOR is out of reach for a single one, and solves it with
# two layers: first by hand, then by learning.
# %% [markdown] lang="zh"
# # 第一本 第 2 章 感知机
# 感知机把输入乘以权重，加上偏置，结果大于 0 就输出 1。这里用它搭出逻辑门，看看单个感知机为什么做不了异或，
# 再用两层把异或做出来：先手工搭，再让它自己学。
# %%
import os

import matplotlib.pyplot as plt
import numpy as np

from seqkit import Generator, nn, ops
from seqkit.autograd import no_grad
from seqkit.optim import Adam

SIZE = os.environ.get("NOTEBOOK_SIZE", "small")  # "book": the largest; "test": the smallest
TRIES = {"test": 1_000, "small": 20_000, "book": 200_000}[SIZE]
STEPS = {"test": 150, "small": 400, "book": 400}[SIZE]

# %% [markdown] lang="en"
# ## Gates
# The layer of weights and bias is [seqkit/nn/linear.py](../seqkit/nn/linear.py). AND, OR and NAND are the
# same machine: only the three numbers differ.
# %% [markdown] lang="zh"
# ## 逻辑门
# 带权重和偏置的层在 [seqkit/nn/linear.py](../seqkit/nn/linear.py)。与门、或门、与非门的构造完全相同，不同的
# 只是三个数值。
# %%
BITS = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float32)
GATES = {"AND": (1, 1, -1.5), "OR": (1, 1, -0.5), "NAND": (-1, -1, 1.5)}


def perceptron(x, w1, w2, bias):
    layer = nn.Linear(2, 1, generator=0)
    layer.weight.data[...] = (w1, w2)
    layer.bias.data[...] = bias
    with no_grad():
        return (layer(x).numpy()[..., 0] > 0).astype(int)


print("x1 x2 ", *(f"{name:>5}" for name in GATES))
for i, (a, b) in enumerate(BITS.astype(int)):
    print(a, "", b, " ", *(f"{perceptron(BITS, *weights)[i]:>5}" for weights in GATES.values()))

# %% [markdown] lang="en"
# ## A perceptron is a straight line
# On one side of the line it says 1 (shaded), on the other 0. The dots are the four inputs, filled where the
# gate should say 1. The last panel has XOR's dots: no straight line separates the two filled ones from the
# two empty ones.
# %% [markdown] lang="zh"
# ## 感知机就是一条直线
# 直线的一侧输出 1（阴影），另一侧输出 0。四个点是四种输入，应当输出 1 的画成实心。最后一幅是异或：随便怎样
# 画直线，都不能把两个实心点和两个空心点分开。
# %%
grid = np.stack(np.meshgrid(np.linspace(-0.5, 1.5, 200), np.linspace(-0.5, 1.5, 200)), axis=-1)
grid = grid.astype(np.float32)


def draw(axes, answers, region, title):
    if region is not None:
        axes.contourf(grid[..., 0], grid[..., 1], region, levels=[0.5, 1.5], colors=["C0"], alpha=0.25)
    for (a, b), answer in zip(BITS, answers, strict=True):
        axes.plot(a, b, "o", color="C3", markersize=9, fillstyle="full" if answer else "none")
    axes.set(title=title, xlabel="x1", ylabel="x2", xlim=(-0.5, 1.5), ylim=(-0.5, 1.5), aspect="equal")


XOR = [0, 1, 1, 0]
figure, panels = plt.subplots(1, 4, figsize=(11, 3), layout="constrained")
for axes, (name, weights) in zip(panels, GATES.items(), strict=False):
    draw(axes, perceptron(BITS, *weights), perceptron(grid, *weights), name)
draw(panels[3], XOR, None, "XOR: no line will do")

# %% [markdown] lang="en"
# Trying many random lines says the same: three of the four cases of XOR are the most that one perceptron
# gets right.
# %% [markdown] lang="zh"
# 随机试许多条直线，结论也一样：对于异或，一个感知机最多答对四种情况中的三种。
# %%
lines = Generator(seed=0).uniform((TRIES, 3)) * 4 - 2
answers = BITS @ lines[:, :2].T + lines[:, 2] > 0
for name, wanted in {"AND": [0, 0, 0, 1], "XOR": XOR}.items():
    right = (answers == np.array(wanted)[:, None]).sum(axis=0)
    counts = np.bincount(right, minlength=5)
    print(f"{name}: " + ", ".join(f"{n} right {count}" for n, count in enumerate(counts)))


# %% [markdown] lang="en"
# ## Two layers
# XOR is "OR, but not AND": feed OR and NAND into AND. The hidden layer bends the line.
# %% [markdown] lang="zh"
# ## 两层
# 异或就是“或，但不是与”：把或门和与非门的输出送进与门即可。有了隐藏层，边界就能拐弯了。
# %%
def xor_by_hand(x):
    hidden = np.stack([perceptron(x, *GATES["OR"]), perceptron(x, *GATES["NAND"])], axis=-1)
    return perceptron(hidden.astype(np.float32), *GATES["AND"])


print("XOR of the four inputs:", xor_by_hand(BITS))

# %% [markdown] lang="en"
# ## Learning it
# A step has slope 0 everywhere, so there is nothing to follow downhill. With the smooth tanh in its place
# and the training of chapters 4 to 6, the two layers find weights of their own. The claim that two layers
# learn all sixteen functions of two bits, and one does not, is tested by
# [seqkit/lab/perceptrons.py](../seqkit/lab/perceptrons.py).
# %% [markdown] lang="zh"
# ## 让它自己学
# 阶跃函数的斜率处处为 0，无从知道往哪边调整。换成平滑的 tanh，再用第 4 到 6 章的方法训练，两层网络就能自己
# 找到权重。两个比特共有十六种函数，两层全都学得会，一层却不行：这一论断由
# [seqkit/lab/perceptrons.py](../seqkit/lab/perceptrons.py) 检验。
# %%
random = Generator(seed=3)
network = nn.Sequential(nn.Linear(2, 4, generator=random), ops.tanh, nn.Linear(4, 2, generator=random))
optimizer, losses = Adam(network.parameters(), lr=0.05), []
for _ in range(STEPS):
    loss = ops.softmax_cross_entropy(network(BITS), np.array(XOR))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    losses.append(loss.item())

with no_grad():
    region = network(grid.reshape(-1, 2)).numpy().argmax(axis=1).reshape(grid.shape[:2])
figure, (left, middle, right) = plt.subplots(1, 3, figsize=(9.5, 3), layout="constrained")
left.plot(losses)
left.set(title="learning XOR", xlabel="step", ylabel="loss (nats)")
draw(middle, XOR, xor_by_hand(grid), "two layers by hand")
draw(right, XOR, region, "two layers, learned")
