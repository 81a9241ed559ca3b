"""A Chinese text of our own writing: sentences of a small grammar, whose words have groups by meaning."""

import random

CITIES = ["北京", "上海", "广州", "成都", "南京", "西安", "杭州", "武汉"]
ANIMALS = ["猫", "狗", "鸟", "鱼", "马", "牛", "羊", "兔子"]
FOOD = ["米饭", "面条", "饺子", "包子", "豆腐", "馒头", "汤", "青菜"]
FAMILY = ["爸爸", "妈妈", "爷爷", "奶奶", "哥哥", "姐姐", "弟弟", "妹妹"]
WEATHER = ["下雨", "下雪", "刮风", "晴天", "阴天", "打雷"]
SEASONS = ["春天", "夏天", "秋天", "冬天"]
TIMES = ["今天", "昨天", "明天", "早上", "晚上", "周末", "去年"]
SUBJECTS = ["数学", "历史", "英语", "音乐", "地理", "物理"]
COLOURS = ["红色", "黄色", "蓝色", "绿色", "白色", "黑色"]
VEHICLES = ["火车", "飞机", "汽车", "自行车", "地铁", "轮船"]

TEMPLATES = [
    "{time}{family}坐{vehicle}去{city}。",
    "从{city}到{city2}坐{vehicle}要几个小时。",
    "{city}的{season}常常{weather}。",
    "{time}{city}{weather}，路上人很少。",
    "{family}在厨房里做{food}，味道很香。",
    "我们{time}吃了{food}和{food2}。",
    "{family}喜欢吃{food}，不喜欢吃{food2}。",
    "院子里有一只{colour}的{animal}。",
    "{animal}和{animal2}在草地上跑来跑去。",
    "{family}养了一只{animal}，它很可爱。",
    "老师{time}教我们{subject}。",
    "{family}觉得{subject}比{subject2}难。",
    "她买了一辆{colour}的{vehicle}。",
    "{season}到了，{family}带我去{city}看朋友。",
    "这件{colour}的衣服是{family}送给{family2}的。",
]


def sentences(count: int, seed: int = 0) -> list[str]:
    """Return sentences of the grammar, drawn by a seed."""
    draw = random.Random(seed)
    groups = {
        "city": CITIES, "animal": ANIMALS, "food": FOOD, "family": FAMILY, "weather": WEATHER,
        "season": SEASONS, "time": TIMES, "subject": SUBJECTS, "colour": COLOURS, "vehicle": VEHICLES,
    }  # fmt: skip
    made = []
    for _ in range(count):
        words = {name: draw.sample(members, 2) for name, members in groups.items()}
        both = {name: one for name, (one, _) in words.items()} | {
            f"{name}2": two for name, (_, two) in words.items()
        }
        made.append(draw.choice(TEMPLATES).format(**both))
    return made
