"""load_student.py EXPORTED TRAINED: an exported student in the Auto classes of transformers."""

import json
import sys
from pathlib import Path

import numpy as np
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

TEXTS = ["My new card has still not arrived", "Was kostet ein Umtausch in €? 💶", "card " * 40]


def check_loading(info: dict) -> None:
    found = {key: list(value) for key, value in info.items() if value}
    if found:
        sys.exit(f"from_pretrained: {found}")


def check_tokenizer(exported: Path, tokenizer) -> int:
    """Truncated by the arguments that everyone uses, without a length."""
    batch = tokenizer(TEXTS, truncation=True, padding=True)
    if sorted(batch) != ["attention_mask", "input_ids"]:
        sys.exit(f"the tokenizer makes {sorted(batch)}")
    cut = json.loads((exported / "tokenizer.json").read_text())["truncation"]["max_length"]
    longest = max(map(len, batch["input_ids"]))
    if longest != cut:
        sys.exit(f"{longest} tokens are left of a long text, not {cut}")
    return longest


def padded_logits(model, rows: list[list[int]]) -> np.ndarray:
    """All rows in one batch, padded on the right."""
    width = max(map(len, rows))
    pad = model.config.pad_token_id
    ids = torch.tensor([row + [pad] * (width - len(row)) for row in rows])
    mask = torch.tensor([[1] * len(row) + [0] * (width - len(row)) for row in rows])
    with torch.no_grad():
        return model(input_ids=ids, attention_mask=mask).logits.numpy()


def main(exported: Path, trained: Path) -> None:
    model, info = AutoModelForSequenceClassification.from_pretrained(
        exported, output_loading_info=True
    )
    check_loading(info)
    tokenizer = AutoTokenizer.from_pretrained(exported)
    probe = json.loads((trained / "probe.json").read_text())["inputs"]
    logits = padded_logits(model.eval(), [entry["tokenIds"] for entry in probe])
    difference = np.abs(logits - np.array([entry["logits"] for entry in probe])).max()
    result = {
        "model": type(model).__name__,
        "rows": len(probe),
        "difference": float(difference),
        "longest": check_tokenizer(exported, tokenizer),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
