"""The bag of word pieces in plain PyTorch, on the rows, word pieces and soft labels of a run of Decant.

torch_bag.py RUN_JSON trains each variant of that run by its settings and prints {variant: test accuracy in %}. The cache
has to be dense. Recipe: mean of all word pieces, one hidden layer, dropout before and behind it, AdamW (matrices decay),
linear rise and fall of the rate, global clipping, the weights of the last step. Weights start as in stages/students/bag.ts.
"""
import json
import math
import sys
from pathlib import Path

import torch
from pyarrow import parquet
from torch import nn
from torch.nn import functional

BATCH, WARMUP, DECAY, CLIP, DROPOUT = 32, 0.06, 0.01, 1.0, 0.3
NO_TOKEN = NO_LABEL = -1


def main(run_json):
    run = json.loads(Path(run_json).read_text())
    prepared, answered = (Path(run["stages"][name]["result"]["folder"]) for name in ("prepare", "soft-label"))
    vocabulary = json.loads((prepared / "tokenizer/student/tokenizer.json").read_text())["model"]["vocab"]
    train, test = (Rows(prepared, answered, split) for split in ("train", "test"))
    accuracies = {}
    for variant, settings in run["config"]["variants"].items():
        recipe = {**run["config"]["student"], **settings}
        torch.manual_seed(recipe["seed"])
        student = Bag(len(vocabulary), recipe["hiddenSize"], train.teacher.shape[1])
        fit(student, train, recipe)
        accuracies[variant] = 100 * accuracy(student, test)
    print(json.dumps(accuracies))


class Rows:
    """Token ids, gold labels (NO_LABEL where there is none) and the teacher's logits of a split."""

    def __init__(self, prepared, answered, split):
        tokens = columns([prepared / "tokens/student" / split / "tokens.parquet"])
        labels = columns([prepared / "labels" / split / "labels.parquet"])
        answers = columns(sorted((answered / "rows" / split).glob("*.parquet")))
        gold = dict(zip(labels["example_id"], labels["label_id"]))
        logits = dict(zip(answers["example_id"], answers["logits"]))
        ids = [torch.tensor(row) for row in tokens["token_ids"]]
        self.token_ids = nn.utils.rnn.pad_sequence(ids, batch_first=True, padding_value=NO_TOKEN)
        self.gold = torch.tensor([gold.get(example, NO_LABEL) for example in tokens["example_id"]])
        self.teacher = torch.tensor([logits[example] for example in tokens["example_id"]])


def columns(paths):
    tables = [parquet.read_table(path).to_pydict() for path in paths]
    return {name: [value for table in tables for value in table[name]] for name in tables[0]}


class Bag(nn.Module):
    def __init__(self, pieces, width, classes):
        super().__init__()
        self.embeddings = nn.Embedding(pieces, width)
        self.hidden = nn.Linear(width, 2 * width)
        self.classifier = nn.Linear(2 * width, classes)
        self.dropout = nn.Dropout(DROPOUT)
        nn.init.normal_(self.embeddings.weight, std=0.1)
        for layer in (self.hidden, self.classifier):
            nn.init.normal_(layer.weight, std=1 / math.sqrt(layer.in_features))
            nn.init.zeros_(layer.bias)

    def forward(self, token_ids):
        token_ids = token_ids[:, : int((token_ids != NO_TOKEN).sum(1).max())]
        real = (token_ids != NO_TOKEN).float()[..., None]
        mean = (self.embeddings(token_ids.clamp(min=0)) * real).sum(1) / real.sum(1)
        return self.classifier(self.dropout(torch.relu(self.hidden(self.dropout(mean)))))


def fit(student, rows, recipe):
    steps, soft_weight, hard_weight = recipe["steps"], recipe["softLossWeight"], recipe["hardLossWeight"]
    parameters = list(student.parameters())
    groups = [
        {"params": [each for each in parameters if each.ndim > 1], "weight_decay": DECAY},
        {"params": [each for each in parameters if each.ndim == 1], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, lr=recipe["learningRate"], fused=True)
    places = torch.arange(len(rows.gold)) if soft_weight > 0 else (rows.gold != NO_LABEL).nonzero()[:, 0]
    batches = endless_batches(places)
    student.train()
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = recipe["learningRate"] * share_of_rate(step, steps)
        batch = next(batches)
        logits, gold = student(rows.token_ids[batch]), rows.gold[batch]
        loss = soft_weight * soft_loss(logits, rows.teacher[batch], recipe.get("temperature", 2))
        if (gold != NO_LABEL).any():
            loss = loss + hard_weight * functional.cross_entropy(logits, gold, ignore_index=NO_LABEL)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, CLIP)
        optimizer.step()


def endless_batches(places):
    """Every row once an epoch; a batch may reach into the next epoch."""
    left = torch.empty(0, dtype=torch.long)
    while True:
        if len(left) < BATCH:
            left = torch.cat([left, places[torch.randperm(len(places))]])
        yield left[:BATCH]
        left = left[BATCH:]


def share_of_rate(step, steps):
    warmup = round(WARMUP * steps)
    return (step + 1) / warmup if step < warmup else (steps - step) / (steps - warmup)


def soft_loss(logits, teacher, temperature):
    student_log, teacher_log = (torch.log_softmax(each / temperature, -1) for each in (logits, teacher))
    return temperature**2 * functional.kl_div(student_log, teacher_log, log_target=True, reduction="batchmean")


@torch.no_grad()
def accuracy(student, rows):
    student.eval()
    predicted = torch.cat([student(part).argmax(-1) for part in rows.token_ids.split(256)])
    return (predicted == rows.gold).float().mean().item()


if __name__ == "__main__":
    # Moments of pieces that no row has any more decay into denormal numbers, which are slow.
    torch.set_flush_denormal(True)
    main(*sys.argv[1:])
