"""Training steps in plain PyTorch, as students are trained elsewhere: reads cases as JSON lines, answers with times.

A line {"case": {...}, "steps": n, "compile": false} is answered by {"ms": [...], "loss": x}, or by {"error": why}.
Losses, clipping and AdamW (fused where this PyTorch can) are those of the product; attention is
scaled_dot_product_attention. Full rows, nothing is padded. compile: forward pass and loss go through torch.compile.
"""
import json
import math
import sys
import time

import torch
from torch import nn
from torch.nn import functional

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


def main():
    threads = f", {torch.get_num_threads()} threads" if DEVICE == "cpu" else ""
    answer({"what": f"PyTorch {torch.__version__} ({DEVICE}{threads})"})
    runs = {}
    for line in sys.stdin:
        asked = json.loads(line)
        key = json.dumps([asked["case"], asked["compile"]], sort_keys=True)
        try:
            runs[key] = runs.get(key) or Run(asked["case"], asked["compile"])
            answer(runs[key].take(asked["steps"]))
        except Exception as error:
            answer({"error": f"{type(error).__name__}: {error}"})


def answer(values):
    print(json.dumps(values), flush=True)


class Run:
    def __init__(self, case, compiled):
        torch.manual_seed(1)
        self.case = case
        self.student = {"bert": Bert, "modernbert": ModernBert}[case["architecture"]](case).to(DEVICE)
        self.optimizer = adamw(self.student)
        self.parameters = list(self.student.parameters())
        if compiled:
            # Each case anew: as further forms of one function, later ones would be of any length, and those after the
            # eighth not compiled at all.
            torch._dynamo.reset()
        self.loss = torch.compile(self.loss_of, dynamic=False) if compiled else self.loss_of

    def take(self, steps):
        durations, loss = [], math.nan
        for _ in range(steps):
            batch = [tensor.to(DEVICE) for tensor in random_batch(self.case)]
            started = time.perf_counter()
            loss = self.step(*batch)
            durations.append(1000 * (time.perf_counter() - started))
        return {"ms": durations, "loss": loss}

    def loss_of(self, ids, top_ids, top_log_probs, tail_log_mass, gold):
        logits = self.student(ids)
        if not self.case["isDistilled"]:
            return functional.cross_entropy(logits, gold)
        soft = soft_loss(logits, top_ids, top_log_probs, tail_log_mass, 2.0)
        return 0.9 * soft + 0.1 * functional.cross_entropy(logits, gold)

    def step(self, *batch):
        loss = self.loss(*batch)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.parameters, 1.0)
        self.optimizer.step()
        return loss.item()


def soft_loss(logits, top_ids, top_log_probs, tail_log_mass, temperature):
    """T^2 KL over the top k and one bucket for the rest; the tail is summed over its own classes."""
    student = torch.log_softmax(logits / temperature, -1)
    tail = student.scatter(-1, top_ids, -1e30).logsumexp(-1)
    top = (top_log_probs.exp() * (top_log_probs - student.gather(-1, top_ids))).sum(-1)
    return temperature ** 2 * (top + tail_log_mass.exp() * (tail_log_mass - tail)).mean()


class ModernBert(nn.Module):
    """ModernBERT with mean pooling and global attention."""

    def __init__(self, case):
        super().__init__()
        width = case["hiddenSize"]
        self.table = nn.Embedding(case["vocabularySize"], width)
        self.norm = nn.LayerNorm(width, bias=False)
        self.layers = nn.ModuleList(ModernLayer(case, first=index == 0) for index in range(case["layers"]))
        self.final_norm = nn.LayerNorm(width, bias=False)
        self.dense = nn.Linear(width, width, bias=False)
        self.head_norm = nn.LayerNorm(width, bias=False)
        self.classifier = nn.Linear(width, case["classCount"])
        self.dropout = nn.Dropout(case["dropout"])
        half = width // case["heads"] // 2
        frequencies = torch.tensor([160000.0 ** (-pair / half) for pair in range(half)])
        angles = torch.outer(torch.arange(float(case["maxLength"])), frequencies)
        self.register_buffer("cos", torch.cat([angles, angles], -1).cos())
        self.register_buffer("sin", torch.cat([-angles, angles], -1).sin())

    def forward(self, ids):
        x = self.dropout(self.norm(self.table(ids)))
        for layer in self.layers:
            x = layer(x, self.cos, self.sin)
        pooled = self.final_norm(x).mean(1)
        return self.classifier(self.dropout(self.head_norm(functional.gelu(self.dense(pooled)))))


class ModernLayer(nn.Module):
    def __init__(self, case, first):
        super().__init__()
        width, self.heads, inner = case["hiddenSize"], case["heads"], case["intermediateSize"]
        self.attention_norm = nn.Identity() if first else nn.LayerNorm(width, bias=False)
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.out = nn.Linear(width, width, bias=False)
        self.mlp_norm = nn.LayerNorm(width, bias=False)
        self.wide = nn.Linear(width, 2 * inner, bias=False)
        self.narrow = nn.Linear(inner, width, bias=False)
        self.rate = case["dropout"]
        self.dropout = nn.Dropout(case["dropout"])

    def forward(self, x, cos, sin):
        x = x + self.dropout(self.out(self.attend(self.attention_norm(x), cos, sin)))
        value, gate = self.wide(self.mlp_norm(x)).chunk(2, -1)
        return x + self.narrow(self.dropout(functional.gelu(value) * gate))

    def attend(self, x, cos, sin):
        batch, length, width = x.shape
        parted = self.qkv(x).view(batch, length, 3, self.heads, width // self.heads)
        query, key, value = parted.permute(2, 0, 3, 1, 4)
        query, key = (t * cos + torch.cat(t.chunk(2, -1)[::-1], -1) * sin for t in (query, key))
        mixed = functional.scaled_dot_product_attention(query, key, value, dropout_p=self.rate if self.training else 0.0)
        return mixed.transpose(1, 2).reshape(batch, length, width)


class Bert(nn.Module):
    """BertForSequenceClassification: learned positions, post-norm, [CLS] through a tanh pooler."""

    def __init__(self, case):
        super().__init__()
        width = case["hiddenSize"]
        self.table = nn.Embedding(case["vocabularySize"], width)
        self.positions = nn.Parameter(torch.randn(case["maxLength"], width) * 0.02)
        self.types = nn.Embedding(2, width)
        self.norm = nn.LayerNorm(width, eps=1e-12)
        self.layers = nn.ModuleList(BertLayer(case) for _ in range(case["layers"]))
        self.pooler = nn.Linear(width, width)
        self.classifier = nn.Linear(width, case["classCount"])
        self.dropout = nn.Dropout(case["dropout"])

    def forward(self, ids):
        x = self.table(ids) + self.positions + self.types(torch.zeros_like(ids))
        x = self.dropout(self.norm(x))
        for layer in self.layers:
            x = layer(x)
        return self.classifier(self.dropout(torch.tanh(self.pooler(x[:, 0]))))


class BertLayer(nn.Module):
    def __init__(self, case):
        super().__init__()
        width, self.heads, inner = case["hiddenSize"], case["heads"], case["intermediateSize"]
        self.query, self.key, self.value = (nn.Linear(width, width) for _ in range(3))
        self.out, self.attention_norm = nn.Linear(width, width), nn.LayerNorm(width, eps=1e-12)
        self.wide, self.narrow = nn.Linear(width, inner), nn.Linear(inner, width)
        self.norm = nn.LayerNorm(width, eps=1e-12)
        self.rate = case["dropout"]
        self.dropout = nn.Dropout(case["dropout"])

    def forward(self, x):
        batch, length, width = x.shape
        parted = (part(x).view(batch, length, self.heads, -1).transpose(1, 2) for part in (self.query, self.key, self.value))
        mixed = functional.scaled_dot_product_attention(*parted, dropout_p=self.rate if self.training else 0.0)
        mixed = mixed.transpose(1, 2).reshape(batch, length, width)
        x = self.attention_norm(x + self.dropout(self.out(mixed)))
        return self.norm(x + self.dropout(self.narrow(functional.gelu(self.wide(x)))))


def adamw(student):
    """Weight decay on matrices only, fused where this PyTorch can."""
    parameters = list(student.parameters())
    groups = [{"params": [p for p in parameters if p.dim() > 1], "weight_decay": 0.01},
              {"params": [p for p in parameters if p.dim() < 2], "weight_decay": 0.0}]
    try:
        return torch.optim.AdamW(groups, lr=1e-3, fused=True)
    except RuntimeError:
        return torch.optim.AdamW(groups, lr=1e-3)


def random_batch(case):
    batch, width = case["batchSize"], case["topK"]
    even = -math.log(width + 1)
    return (torch.randint(case["vocabularySize"], (batch, case["maxLength"])),
            (7 * torch.arange(batch * width) % case["classCount"]).view(batch, width),
            torch.full((batch, width), even), torch.full((batch,), even),
            torch.randint(case["classCount"], (batch,)))


if __name__ == "__main__":
    main()
