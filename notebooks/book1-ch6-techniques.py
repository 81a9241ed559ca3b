# %% [markdown] lang="en"
# # Volume 1, chapter 6: techniques of learning
# Five questions decide whether a network learns well: which optimiser, which initial weights, whether to
# normalise, how to prevent overfitting, and how to choose the settings. The course's laboratory has an
# experiment with a verdict for each; this notebook runs two of them and shows the rest on one network.
# %% [markdown] lang="zh"
# # 第一本 第 6 章 与学习相关的技巧
# 网络学得好不好，取决于五件事：用哪个优化器，权重从哪里开始，要不要归一化，怎样防止过拟合，超参数怎样选。课
# 程的实验室为每件事都准备了附带判定的实验，这里运行其中两个，其余的在同一个网络上演示。
# %%
import os

import matplotlib.pyplot as plt
import numpy as np

from seqkit import Generator
from seqkit.corpora import open_images
from seqkit.lab import draw, get_experiment, run_experiment
from seqkit.models import MLP, MLPConfig
from seqkit.optim import make_optimizer

SIZE = os.environ.get("NOTEBOOK_SIZE", "small")  # "book": the largest; "test": the smallest
IMAGES = {"test": "digits", "small": "digits", "book": "mnist"}[SIZE]
EPOCHS = {"test": 3, "small": 60, "book": 200}[SIZE]
TRIALS = {"test": 4, "small": 20, "book": 100}[SIZE]

# %% [markdown] lang="en"
# ## Optimisers
# A long, narrow valley: plain SGD jumps from side to side while it creeps along the bottom. Momentum
# averages the jumps away; AdaGrad and Adam give each direction a step size of its own. They are in
# [seqkit/optim](../seqkit/optim), the experiment in
# [seqkit/lab/optimizer_paths.py](../seqkit/lab/optimizer_paths.py).
# %% [markdown] lang="zh"
# ## 优化器
# 山谷又长又窄时，SGD 在两侧来回跳动，沿谷底却前进得很慢。Momentum 把来回的跳动平均掉；AdaGrad 和 Adam 则为
# 每个方向单独调节步长。代码在 [seqkit/optim](../seqkit/optim)，实验是
# [seqkit/lab/optimizer_paths.py](../seqkit/lab/optimizer_paths.py)。
# %%
results = run_experiment(get_experiment("optimizer-paths"))
print(results.verdict())
draw(results)

# %% [markdown] lang="en"
# ## Initial weights
# How spread out are the activations five layers up? With deviation 0.01 they shrink to nothing, with 1 they
# are all ±1. Xavier's deviation keeps tanh alive, He's keeps ReLU alive:
# [seqkit/nn/initializers.py](../seqkit/nn/initializers.py).
# %% [markdown] lang="zh"
# ## 权重的初始值
# 到第五层，激活值还剩多少变化？标准差取 0.01，全都缩到零附近；取 1，全都变成 ±1。Xavier 的标准差适合 tanh，
# He 的适合 ReLU，见 [seqkit/nn/initializers.py](../seqkit/nn/initializers.py)。
# %%
results = run_experiment(get_experiment("initialisation"))
print(results.verdict())
draw(results)

# %% [markdown] lang="en"
# ## One function that trains
# The remaining comparisons train the same network on few images, with one setting changed. The optimisers
# take weight decay, the network takes BatchNorm and dropout. Some settings make the numbers overflow: such
# a training has failed, and its accuracy shows it.
# %% [markdown] lang="zh"
# ## 一个训练函数
# 余下的比较都是在少量图像上训练同一个网络，每次只改一项设置。权重衰减由优化器负责，批归一化和 Dropout 由网
# 络负责。有的设置会让数值溢出，训练就此失败，从准确率上看得出来。
# %%
corpus = open_images(IMAGES)
images = corpus.images("train")
x, labels = images.images.astype(np.float32) / 255, images.labels
few, held_out = slice(0, 200), slice(200, 1200)


def learn(epochs=EPOCHS, optimizer="sgd", lr=0.1, weight_decay=0.0, noise=0.0, seed=0, **network):
    targets = labels[few].copy()
    wrong = int(noise * len(targets))
    targets[:wrong] = (targets[:wrong] + Generator(seed, "noise").integers(1, 10, wrong)) % 10
    model = MLP(MLPConfig(*corpus.shape, **{"hidden": (100,) * 4, **network}), generator=seed)
    update = make_optimizer(optimizer, model.named_parameters(), lr=lr, weight_decay=weight_decay)
    random, curve = Generator(seed, "batches"), []
    for _ in range(epochs):
        for rows in np.array_split(random.permutation(200), 4):
            with np.errstate(over="ignore", invalid="ignore"):
                loss = model.loss(x[few][rows], targets[rows], generator=random)
                model.zero_grad()
                loss.backward()
                update.step()
        with np.errstate(over="ignore", invalid="ignore"):
            pairs = ((few, targets), (held_out, labels[held_out]))
            curve.append([(model.predict(x[part]) == answer).mean() for part, answer in pairs])
    return np.array(curve)


# %% [markdown] lang="en"
# ## Batch normalisation
# Shifting and scaling each unit to mean 0 and deviation 1 within the batch makes training far less
# sensitive to the initial weights: [seqkit/ops/normalization.py](../seqkit/ops/normalization.py).
# %% [markdown] lang="zh"
# ## 批归一化
# 在一批之内把每个单元调整成均值 0、标准差 1，训练就不再那么依赖初始值：
# [seqkit/ops/normalization.py](../seqkit/ops/normalization.py)。
# %%
figure, panels = plt.subplots(1, 3, figsize=(10, 2.8), layout="constrained", sharey=True)
for axes, scale in zip(panels, (0.01, 0.1, 0.5), strict=True):
    for batch_norm, style in ((True, "-"), (False, "--")):
        curve = learn(lr=0.05, weight_init=scale, batch_norm=batch_norm, epochs=max(3, EPOCHS // 2))
        axes.plot(curve[:, 0], style, label="with BatchNorm" if batch_norm else "without")
    axes.set(title=f"initial deviation {scale}", xlabel="epoch")
    axes.grid(alpha=0.3)
panels[0].set(ylabel="training accuracy", ylim=(0, 1.02))
_ = panels[0].legend()

# %% [markdown] lang="en"
# ## Overfitting
# 200 images, a fifth of them with a wrong label: the network can learn all of them by heart, and then says
# what it memorised. Weight decay and dropout keep it from doing so.
# %% [markdown] lang="zh"
# ## 过拟合
# 只有 200 张图像，其中五分之一标签有错：网络能把它们全都背下来，然后照背的回答。权重衰减和 Dropout 让它背不
# 下来。
# %%
variants = {"nothing": {}, "weight decay 0.02": {"weight_decay": 0.02}, "dropout 0.3": {"dropout": 0.3}}
figure, panels = plt.subplots(1, 3, figsize=(10, 2.8), layout="constrained", sharey=True)
for axes, (name, settings) in zip(panels, variants.items(), strict=True):
    curve = learn(noise=0.2, hidden=(100,) * 3, epochs=2 * EPOCHS, **settings)
    axes.plot(curve[:, 0], label="training")
    axes.plot(curve[:, 1], "--", label="test")
    axes.set(title=f"against it: {name}", xlabel="epoch")
    axes.grid(alpha=0.3)
panels[0].set(ylabel="accuracy", ylim=(0, 1.02))
_ = panels[0].legend()

# %% [markdown] lang="en"
# ## Choosing settings
# Draw learning rate and weight decay at random, on a logarithmic scale, and keep what does best on images
# that were not trained on. The best score is too good to be true, since the luckiest trial wins; a third
# set of images would tell: [seqkit/lab/hyper_parameter_search.py](../seqkit/lab/hyper_parameter_search.py).
# %% [markdown] lang="zh"
# ## 选择超参数
# 学习率和权重衰减系数都在对数刻度上随机取值，留下在未训练图像上表现最好的一组。这个最好成绩是虚高的，因为胜
# 出的往往是运气最好的一次；真实水平要用第三份图像来量：
# [seqkit/lab/hyper_parameter_search.py](../seqkit/lab/hyper_parameter_search.py)。
# %%
random, trials = Generator(seed=5), []
for _ in range(TRIALS):
    u = random.uniform(2)
    lr, weight_decay = 10 ** (-3 + 2.7 * u[0]), 10 ** (-6 + 5 * u[1])
    curve = learn(lr=lr, weight_decay=weight_decay, hidden=(50,), epochs=max(3, EPOCHS // 4))
    trials.append((curve[-1, 1], lr, weight_decay))
trials.sort(reverse=True)
print("accuracy  learning rate  weight decay")
for accuracy, lr, weight_decay in trials[:5]:
    print(f"{accuracy:8.1%}  {lr:13.2g}  {weight_decay:12.1e}")

figure, axes = plt.subplots(figsize=(5, 3.2), layout="constrained")
accuracy, lr, weight_decay = np.array(trials).T
dots = axes.scatter(lr, weight_decay, c=accuracy, cmap="viridis", s=50)
axes.set(xscale="log", yscale="log", xlabel="learning rate", ylabel="weight decay")
_ = figure.colorbar(dots, label="accuracy")
