# %% [markdown] lang="en"
# # Volume 1, chapter 5: backpropagation
# Numerical differentiation needs two passes through the network for each weight. Backpropagation gets all
# derivatives with a single pass back, by multiplying the slopes of the single operations: the chain rule.
# %% [markdown] lang="zh"
# # 第一本 第 5 章 误差反向传播法
# 数值微分要为每个权重把网络算两遍。误差反向传播法只需倒着走一遍，把每个运算的局部斜率乘起来（链式法则），全
# 部导数就都有了。
# %%
import time

import matplotlib.pyplot as plt
import numpy as np

from seqkit import Generator, Tensor, gradient_check, nn, ops
from seqkit.autograd import differentiable
from seqkit.models import MLP, MLPConfig

# %% [markdown] lang="en"
# ## A graph of operations
# Three pears at 120 each and five plums at 30 each, with 8 % tax. What does the total change by if a price,
# a count or the tax factor rises by one? `backward` leaves the answer at every input.
# %% [markdown] lang="zh"
# ## 计算图
# 梨每个 120，买三个；李子每个 30，买五个；另加 8% 的税。某个单价、个数或税率系数增加 1，总价会变多少？调用
# `backward` 之后，每个输入处都存着答案。
# %%
inputs = {
    name: Tensor(np.array(value), requires_grad=True)
    for name, value in {"pear": 120.0, "pears": 3.0, "plum": 30.0, "plums": 5.0, "tax": 1.08}.items()
}
total = (inputs["pear"] * inputs["pears"] + inputs["plum"] * inputs["plums"]) * inputs["tax"]
total.backward()
print(f"total {total.item():.2f}")
for name, tensor in inputs.items():
    print(f"{name:>6} = {tensor.item():6.2f}   d total / d {name:<5} = {float(tensor.grad):7.2f}")

# %% [markdown] lang="en"
# ## Slopes of single operations
# An addition passes the gradient on to both sides. A multiplication gives each side the gradient times the
# *other* input. The exponential multiplies by its own result. The tape that remembers the graph is
# [seqkit/autograd/graph.py](../seqkit/autograd/graph.py).
# %% [markdown] lang="zh"
# ## 单个运算的斜率
# 加法把梯度原样传给两边；乘法传给每一边的是梯度乘以*另一边*的输入；指数函数则乘以自己的输出。记录计算图的代
# 码在 [seqkit/autograd/graph.py](../seqkit/autograd/graph.py)。
# %%
for name, function in {
    "a + b": lambda a, b: a + b,
    "a · b": lambda a, b: a * b,
    "a / b": lambda a, b: a / b,
    "exp(a) · b": lambda a, b: a.exp() * b,
}.items():
    a, b = (Tensor(np.array(value), requires_grad=True) for value in (2.0, 5.0))
    result = function(a, b)
    result.backward()
    print(f"{name:<10} = {result.item():7.3f}   by a: {float(a.grad):7.3f}   by b: {float(b.grad):7.3f}")


# %% [markdown] lang="en"
# ## An operation of one's own
# In this library every operation is one function that computes its value and, three lines below, its
# backward pass ([docs/ops.md](../docs/ops.md)). Here is Swish, x·sigmoid(x). `gradient_check` compares a
# backward pass with numerical differences in a random direction, and finds the mistake planted in the
# second version.
# %% [markdown] lang="zh"
# ## 自己写一个运算
# 本库的每个运算都是一个函数，先算出值，往下三行就是它的反向传播（见 [docs/ops.md](../docs/ops.md)）。下面写
# 一个 Swish，即 x·sigmoid(x)。`gradient_check` 沿随机方向做数值微分，与反向传播的结果对比；第二个版本里故
# 意留了一处错误，它能查出来。
# %%
@differentiable
def swish(xp, x):
    gate = 1 / (1 + xp.exp(-x))
    y = x * gate

    def backward(dy):
        return (dy * (gate + y * (1 - gate)),)

    return y, backward


@differentiable
def wrong_swish(xp, x):
    gate = 1 / (1 + xp.exp(-x))
    return x * gate, lambda dy: (dy * gate,)


points = np.linspace(-6, 6, 121)
print("swish: directional derivative", round(gradient_check(swish, points), 4))
try:
    gradient_check(wrong_swish, points)
except Exception as error:
    print(f"wrong_swish: {error}")

figure, panels = plt.subplots(1, 3, figsize=(9.5, 2.6), layout="constrained")
for axes, function in zip(panels, (ops.sigmoid, ops.relu, swish), strict=True):
    x = Tensor(points, requires_grad=True)
    y = function(x)
    y.sum().backward()
    axes.plot(points, y.numpy(), label="value")
    axes.plot(points, x.grad, "--", label="gradient")
    axes.set(title=function.__name__, xlabel="x", ylim=(-0.5, 2))
    axes.grid(alpha=0.3)
_ = panels[0].legend()

# %% [markdown] lang="en"
# ## Layers
# For a whole layer y = xWᵀ + b the gradients are matrix products as well: dx = dy·W, dW = dyᵀx, db = the
# sum of dy over the batch ([seqkit/ops/linear.py](../seqkit/ops/linear.py)). The gradient of softmax with
# cross-entropy is simply (p - t)/B.
# %% [markdown] lang="zh"
# ## 层
# 对整个层 y = xWᵀ + b 来说，梯度也是矩阵乘法：dx = dy·W，dW = dyᵀx，db 是 dy 对整批求和，见
# [seqkit/ops/linear.py](../seqkit/ops/linear.py)。softmax 与交叉熵合在一起，梯度就是简单的 (p - t)/B。
# %%
random = Generator(seed=0)
layer, x = nn.Linear(4, 3, generator=random), Tensor(random.normal((5, 4)), requires_grad=True)
labels = np.array([0, 2, 1, 1, 0])
y = layer(x)
ops.softmax_cross_entropy(y, labels).backward()
dy = (ops.softmax(y).numpy() - np.eye(3)[labels]) / len(labels)
for name, computed, formula in (
    ("dx", x.grad, dy @ layer.weight.numpy()),
    ("dW", layer.weight.grad, dy.T @ x.numpy()),
    ("db", layer.bias.grad, dy.sum(axis=0)),
):
    print(f"{name} {computed.shape}: differs from the formula by {abs(computed - formula).max():.1e}")

# %% [markdown] lang="en"
# ## Both methods on a network
# The gradients agree, the prices do not: the more weights, the longer numerical differentiation takes,
# while backpropagation hardly notices. The experiment with a verdict is
# [seqkit/lab/backpropagation.py](../seqkit/lab/backpropagation.py).
# %% [markdown] lang="zh"
# ## 用在整个网络上
# 两种方法得到的梯度一致，代价却相差悬殊：权重越多，数值微分越慢，而反向传播几乎不受影响。附带判定的实验见
# [seqkit/lab/backpropagation.py](../seqkit/lab/backpropagation.py)。
# %%
images, labels, step = random.uniform((10, 4, 4, 1), dtype=np.float64), random.integers(0, 10, 10), 1e-5
counts, times = [], []
for hidden in (1, 3, 10, 20):
    config = MLPConfig(4, 4, hidden=(hidden,), activation="tanh", weight_init="xavier")
    model = MLP(config, generator=0).astype(np.float64)
    start = time.perf_counter()
    model.loss(images, labels).backward()
    middle = time.perf_counter()
    differences = []
    for parameter in model.parameters():
        flat, gradient = parameter.data.reshape(-1), parameter.grad.reshape(-1)
        for i, value in enumerate(flat.tolist()):
            flat[i] = value + step
            above = model.loss(images, labels).item()
            flat[i] = value - step
            below = model.loss(images, labels).item()
            flat[i] = value
            differences.append(abs((above - below) / (2 * step) - gradient[i]))
    counts.append(len(differences))
    times.append((time.perf_counter() - middle, middle - start))
    print(f"{counts[-1]:>4} weights: the gradients differ by {max(differences):.0e} at most")

figure, axes = plt.subplots(figsize=(5, 3), layout="constrained")
for name, seconds in zip(("numerical", "backpropagation"), zip(*times, strict=True), strict=True):
    axes.loglog(counts, seconds, "o-", label=name)
axes.set_xticks(counts, counts)
axes.minorticks_off()
axes.set(xlabel="weights", ylabel="seconds")
axes.legend()
axes.grid(alpha=0.3)
