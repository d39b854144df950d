"""The training step of student-step.ts in plain PyTorch: prints its timing as one JSON object.

Usage: python3 student_step_torch.py '{"layers": 2, "hiddenSize": 128, ...}'
"""
import json
import math
import statistics
import sys
import time

import torch
from torch import nn
from torch.nn import functional


def main():
    sizes = json.loads(sys.argv[1])
    device = "cuda" if torch.cuda.is_available() else "cpu"
    torch.manual_seed(1)
    before = time.perf_counter()
    student = Student(sizes).to(device)
    optimizer = adamw(student)
    set_up = time.perf_counter() - before
    durations = []
    for index in range(sizes["warmUp"] + sizes["steps"]):
        batch = [tensor.to(device) for tensor in random_batch(sizes)]
        started = time.perf_counter()
        loss = step(student, optimizer, *batch)
        durations.append(1000 * (time.perf_counter() - started))
    durations = durations[sizes["warmUp"]:]
    threads = f", {torch.get_num_threads()} threads" if device == "cpu" else ""
    print(json.dumps({"what": f"PyTorch {torch.__version__} ({device}{threads})", "setUpMs": 1000 * set_up,
                      "medianMs": statistics.median(durations), "minMs": min(durations), "loss": loss}))


def step(student, optimizer, ids, top_ids, top_log_probs, tail_log_mass, gold):
    logits = student(ids)
    loss = 0.9 * soft_loss(logits, top_ids, top_log_probs, tail_log_mass, 2.0)
    loss = loss + 0.1 * functional.cross_entropy(logits, gold)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    nn.utils.clip_grad_norm_(student.parameters(), 1.0)
    optimizer.step()
    return loss.item()


def soft_loss(logits, top_ids, top_log_probs, tail_log_mass, temperature):
    """T^2 KL over the top k and one bucket for the rest; the tail is summed over its own classes."""
    student = torch.log_softmax(logits / temperature, -1)
    tail = student.scatter(-1, top_ids, -1e30).logsumexp(-1)
    top = (top_log_probs.exp() * (top_log_probs - student.gather(-1, top_ids))).sum(-1)
    return temperature ** 2 * (top + tail_log_mass.exp() * (tail_log_mass - tail)).mean()


class Student(nn.Module):
    """ModernBERT with mean pooling and global attention, without padding."""

    def __init__(self, sizes):
        super().__init__()
        width = sizes["hiddenSize"]
        self.table = nn.Embedding(sizes["vocabularySize"], width)
        self.norm = norm(width)
        self.layers = nn.ModuleList(Layer(sizes, first=index == 0) for index in range(sizes["layers"]))
        self.final_norm = norm(width)
        self.dense = nn.Linear(width, width, bias=False)
        self.head_norm = norm(width)
        self.classifier = nn.Linear(width, sizes["classCount"])
        self.dropout = nn.Dropout(sizes["dropout"])
        half = width // sizes["heads"] // 2
        frequencies = torch.tensor([160000.0 ** (-pair / half) for pair in range(half)])
        angles = torch.outer(torch.arange(float(sizes["maxLength"])), frequencies)
        self.register_buffer("cos", torch.cat([angles, angles], -1).cos())
        self.register_buffer("sin", torch.cat([-angles, angles], -1).sin())

    def forward(self, ids):
        x = self.dropout(self.norm(self.table(ids)))
        for layer in self.layers:
            x = layer(x, self.cos, self.sin)
        pooled = self.final_norm(x).mean(1)
        return self.classifier(self.dropout(self.head_norm(functional.gelu(self.dense(pooled)))))


class Layer(nn.Module):
    def __init__(self, sizes, first):
        super().__init__()
        width, self.heads, inner = sizes["hiddenSize"], sizes["heads"], sizes["intermediateSize"]
        self.attention_norm = nn.Identity() if first else norm(width)
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.out = nn.Linear(width, width, bias=False)
        self.mlp_norm = norm(width)
        self.wide = nn.Linear(width, 2 * inner, bias=False)
        self.narrow = nn.Linear(inner, width, bias=False)
        self.dropout = nn.Dropout(sizes["dropout"])

    def forward(self, x, cos, sin):
        x = x + self.dropout(self.out(self.attend(self.attention_norm(x), cos, sin)))
        value, gate = self.wide(self.mlp_norm(x)).chunk(2, -1)
        return x + self.narrow(self.dropout(functional.gelu(value) * gate))

    def attend(self, x, cos, sin):
        batch, length, width = x.shape
        heads = self.qkv(x).view(batch, length, 3, self.heads, width // self.heads)
        query, key, value = heads.permute(2, 0, 3, 1, 4)
        query, key = (t * cos + torch.cat(t.chunk(2, -1)[::-1], -1) * sin for t in (query, key))
        shares = torch.softmax(query @ key.transpose(-1, -2) / math.sqrt(query.shape[-1]), -1)
        return (self.dropout(shares) @ value).transpose(1, 2).reshape(batch, length, width)


def norm(width):
    return nn.LayerNorm(width, bias=False)


def adamw(student):
    """Weight decay on matrices only, fused where this PyTorch can."""
    parameters = list(student.parameters())
    groups = [{"params": [p for p in parameters if p.dim() > 1], "weight_decay": 0.01},
              {"params": [p for p in parameters if p.dim() < 2], "weight_decay": 0.0}]
    try:
        return torch.optim.AdamW(groups, lr=1e-3, fused=True)
    except RuntimeError:
        return torch.optim.AdamW(groups, lr=1e-3)


def random_batch(sizes):
    batch, width = sizes["batchSize"], sizes["topK"]
    even = -math.log(width + 1)
    return (torch.randint(sizes["vocabularySize"], (batch, sizes["maxLength"])),
            (7 * torch.arange(batch * width) % sizes["classCount"]).view(batch, width),
            torch.full((batch, width), even), torch.full((batch,), even),
            torch.randint(sizes["classCount"], (batch,)))


if __name__ == "__main__":
    main()
