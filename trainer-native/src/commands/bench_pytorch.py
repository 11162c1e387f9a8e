"""The steps that `trainer bench` measures, in PyTorch on the CPU: the same shapes, the same optimiser,
synthetic data. Takes the shapes as JSON, prints queries/s and tokens/s as JSON."""
import json
import sys
import time

import torch
from torch import nn
from torch.nn import functional as F

shapes = json.loads(sys.argv[1])
torch.manual_seed(1)


def factorisation(s):
    width, dimension, models = s["width"], s["dimension"], s["models"]
    projection = nn.Linear(width, dimension)
    vectors = nn.Parameter(torch.randn(models, dimension))
    weights = nn.Parameter(torch.ones(dimension))
    rule = torch.optim.AdamW([*projection.parameters(), vectors, weights], lr=3e-4, weight_decay=1e-5)
    queries = torch.randn(s["queries"], width)
    target = (torch.arange(s["queries"]) % 2).float()
    start = time.perf_counter()
    for _ in range(s["epochs"]):
        for batch in torch.randperm(s["queries"]).split(s["batch"]):
            hidden = projection(queries[batch])
            scores = hidden @ (F.normalize(vectors, dim=1) * weights).T
            loss = F.binary_cross_entropy_with_logits(scores[:, 0] - scores[:, 1], target[batch])
            rule.zero_grad()
            loss.backward()
            rule.step()
            loss.item()
    return s["epochs"] * s["queries"] / (time.perf_counter() - start)


class Layer(nn.Module):
    def __init__(self, s):
        super().__init__()
        width, inner, self.heads = s["hidden"], s["intermediate"], s["heads"]
        self.q, self.k, self.v, self.o = (nn.Linear(width, width) for _ in range(4))
        self.up, self.down = nn.Linear(width, inner), nn.Linear(inner, width)
        self.first, self.second = nn.LayerNorm(width), nn.LayerNorm(width)

    def forward(self, x):
        batch, length, width = x.shape
        split = lambda y: y.view(batch, length, self.heads, -1).transpose(1, 2)
        mixed = F.scaled_dot_product_attention(split(self.q(x)), split(self.k(x)), split(self.v(x)))
        x = self.first(x + self.o(mixed.transpose(1, 2).reshape(batch, length, width)))
        return self.second(x + self.down(F.gelu(self.up(x))))


def classifier(s):
    words = nn.Embedding(s["vocabulary"], s["hidden"])
    positions = nn.Parameter(torch.randn(s["tokens"], s["hidden"]) * 0.02)
    layers = nn.Sequential(*(Layer(s) for _ in range(s["layers"])))
    head = nn.Linear(s["hidden"], 3)
    trained = [*layers.parameters(), *head.parameters(), positions, *words.parameters()]
    rule = torch.optim.AdamW(trained, lr=1e-5, weight_decay=0.01)
    shape = (s["batch"], s["tokens"])
    tokens, start = 0, None
    for step in range(s["steps"] + 1):
        if step == 1:
            start = time.perf_counter()
        ids = torch.randint(s["vocabulary"], shape)
        labels = torch.randint(3, (s["batch"],))
        loss = F.cross_entropy(head(layers(words(ids) + positions).mean(1)), labels)
        rule.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(trained, 1.0)
        rule.step()
        loss.item()
        tokens += ids.numel() if step else 0
    return tokens / (time.perf_counter() - start)


print(json.dumps({"mf": factorisation(shapes["mf"]), "classifier": classifier(shapes["classifier"])}))
