# %% [markdown] lang="en"
# # Volume 1, chapter 4: learning
# Learning is going downhill: a loss says how wrong the network is, its gradient says in which direction the
# loss falls, and small steps in that direction make the network better. This notebook goes from the loss to
# a trained network.
# %% [markdown] lang="zh"
# # 第一本 第 4 章 神经网络的学习
# 学习就是下山：损失函数说明网络错得有多离谱，梯度指出往哪个方向走损失会变小，一小步一小步走下去，网络就越来
# 越好。这里从损失函数开始，一直做到训练好一个网络。
# %%
import os

import matplotlib.pyplot as plt
import numpy as np

from seqkit import Generator, Tensor, ops
from seqkit.corpora import open_images
from seqkit.models import MLP, MLPConfig
from seqkit.optim import SGD

SIZE = os.environ.get("NOTEBOOK_SIZE", "small")  # "book": the largest; "test": the smallest
IMAGES = {"test": "digits", "small": "digits", "book": "mnist"}[SIZE]
STEPS = {"test": 100, "small": 2_000, "book": 10_000}[SIZE]
BATCH = 100

# %% [markdown] lang="en"
# ## The loss
# Cross-entropy is -log p of the right class. It looks only at that probability: 1 costs nothing, and the
# closer to 0, the dearer. [seqkit/ops/losses.py](../seqkit/ops/losses.py) computes it from scores, softmax
# included.
# %% [markdown] lang="zh"
# ## 损失函数
# 交叉熵就是正确类别的 -log p。它只看这一个概率：等于 1 时损失为零，越接近 0 损失越大。
# [seqkit/ops/losses.py](../seqkit/ops/losses.py) 直接从分数算起，softmax 也包括在内。
# %%
p = np.linspace(0.01, 1, 100)
figure, axes = plt.subplots(figsize=(4.5, 2.8), layout="constrained")
axes.plot(p, -np.log(p), label="cross-entropy")
axes.plot(p, (1 - p) ** 2, "--", label="squared error")
axes.set(xlabel="probability of the right class", ylabel="loss")
axes.legend()
axes.grid(alpha=0.3)
for scores in ([5.0, 1.0, 0.0], [1.0, 1.0, 1.0], [0.0, 1.0, 5.0]):
    loss = ops.softmax_cross_entropy(Tensor(np.array([scores])), np.array([0]))
    print(f"scores {scores}, right class 0: loss {loss.item():.3f}")


# %% [markdown] lang="en"
# ## Derivatives
# The slope of a curve, measured with two points a little to the left and right. A step that is too small
# fails: the difference of two nearly equal numbers loses its digits. The error is least in between.
# %% [markdown] lang="zh"
# ## 导数
# 曲线的斜率可以用左右两侧很近的两点来量。两点并非越近越好：两个几乎相等的数相减，有效数字就所剩无几，所以步
# 长适中时误差最小。
# %%
def curve(x):
    return 0.02 * x**2 + np.sin(x)


steps = 10.0 ** np.arange(-14, 1)
measured = (curve(2 + steps) - curve(2 - steps)) / (2 * steps)
exact = 0.04 * 2 + np.cos(2)
figure, (left, right) = plt.subplots(1, 2, figsize=(8, 2.8), layout="constrained")
x = np.linspace(-3, 7, 200)
left.plot(x, curve(x))
left.plot(x, curve(2) + exact * (x - 2), "--", label="slope at x = 2")
left.set(xlabel="x", ylabel="f(x)", ylim=(-1.5, 2.5))
left.legend()
right.loglog(steps, abs(measured - exact), "o-")
right.set(xlabel="step", ylabel="error of the derivative")
right.grid(alpha=0.3)


# %% [markdown] lang="en"
# ## Gradients
# With several inputs there is a slope for each: together they are the gradient. The arrows point downhill,
# against it, and they are short where the ground is flat. `backward` computes all of them at once.
# %% [markdown] lang="zh"
# ## 梯度
# 有几个输入，就有几个斜率，合在一起就是梯度。图中的箭头指向梯度的反方向，也就是下坡的方向；地势越平，箭头越
# 短。只需调用一次 `backward`，全部梯度就都算出来了。
# %%
def bowl(point):
    return (point * point * np.array([1.0, 2.0])).sum()


axis = np.linspace(-2, 2, 13)
x0, x1 = np.meshgrid(axis, axis)
points = Tensor(np.stack([x0, x1], axis=-1), requires_grad=True)
bowl(points).backward()
figure, axes = plt.subplots(figsize=(4, 3.6), layout="constrained")
axes.quiver(x0, x1, -points.grad[..., 0], -points.grad[..., 1], color="C0")
_ = axes.set(xlabel="x0", ylabel="x1", aspect="equal")

# %% [markdown] lang="en"
# ## Gradient descent
# The learning rate is the length of the steps. Too small, and it does not arrive; too large, and every step
# lands higher up on the other side.
# %% [markdown] lang="zh"
# ## 梯度下降法
# 学习率决定每一步走多远。太小，迟迟走不到；太大，每一步都越过谷底，落到对面更高的地方。
# %%
figure, panels = plt.subplots(1, 3, figsize=(10, 3.2), layout="constrained")
fine = np.meshgrid(np.linspace(-4, 4, 100), np.linspace(-4, 4, 100))
for axes, lr in zip(panels, (0.01, 0.2, 0.51), strict=True):
    place = Tensor(np.array([-3.0, 2.0]), requires_grad=True)
    optimizer, path = SGD([place], lr=lr), []
    for _ in range(12):
        path.append(place.numpy().copy())
        optimizer.zero_grad()
        bowl(place).backward()
        optimizer.step()
    axes.contour(*fine, fine[0] ** 2 + 2 * fine[1] ** 2, levels=8, colors="0.8")
    axes.plot(*np.array(path).T, "o-", markersize=4)
    axes.set(title=f"learning rate {lr}", xlabel="x0", ylabel="x1", xlim=(-4, 4), ylim=(-4, 4))

# %% [markdown] lang="en"
# ## Training a network
# The same with thousands of weights: draw a batch of images, compute the loss and its gradient, take a
# step. This is mini-batch stochastic gradient descent, [seqkit/optim/sgd.py](../seqkit/optim/sgd.py); the
# loss of a batch is noisy, its trend is not. Accuracy on images that were not learned shows whether the
# network generalises.
# %% [markdown] lang="zh"
# ## 训练网络
# 权重有几千个，做法还是一样：取一批图像，计算损失和梯度，走一步。这就是小批量随机梯度下降，见
# [seqkit/optim/sgd.py](../seqkit/optim/sgd.py)；单看一批，损失忽高忽低，整体趋势却很清楚。要知道网络有没有
# 泛化能力，得看它在没学过的图像上的准确率。
# %%
corpus = open_images(IMAGES)
train, test = corpus.images("train"), corpus.images("test")
x_train, x_test = (each.images.astype(np.float32) / 255 for each in (train, test))
H, W, C = corpus.shape
model = MLP(MLPConfig(H, W, C, hidden=(50,)), generator=0)
optimizer, random, losses, accuracies = SGD(model.parameters(), lr=0.1), Generator(seed=1), [], []
for step in range(STEPS + 1):
    if step % (STEPS // 20) == 0:
        right = [
            (model.predict(x_train) == train.labels).mean(),
            (model.predict(x_test) == test.labels).mean(),
        ]
        accuracies.append((step, *right))
    rows = random.integers(0, len(train), BATCH)
    loss = model.loss(x_train[rows], train.labels[rows])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    losses.append(loss.item())

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3), layout="constrained")
left.plot(losses, linewidth=0.6)
left.set(xlabel="step", ylabel="loss of the batch (nats)", ylim=(0, None))
at, on_train, on_test = np.array(accuracies).T
right.plot(at, on_train, label="training images")
right.plot(at, on_test, "--", label="test images")
right.set(xlabel="step", ylabel="accuracy", ylim=(0, 1))
right.legend()
right.grid(alpha=0.3)
print(
    f"after {STEPS:,} steps: {on_train[-1]:.1%} of the training images, {on_test[-1]:.1%} of the test images"
)
