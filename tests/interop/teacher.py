"""teacher.py MODEL EXAMPLES TOKENS ROWS: the teacher by Python's onnxruntime against our cache.

Tokens are made anew from the texts and must be ours; then all logits or the best k, log-sum-exp, tail and
entropy are computed from the logits in float64.
"""

import json
import sys
from pathlib import Path

import numpy as np
import pyarrow.dataset
import pyarrow.parquet
from onnx_classifier import OnnxClassifier, encode, largest_difference, log_softmax, open_tokenizer


def read(folder: Path) -> dict[str, list]:
    return pyarrow.dataset.dataset(folder).to_table().to_pydict()


def footer(folder: Path) -> dict[str, str]:
    pairs = pyarrow.parquet.read_metadata(min(folder.rglob("*.parquet"))).metadata
    return {key.decode(): value.decode() for key, value in pairs.items()}


def check_tokens(model: Path, texts: list[str], tokens: Path, ids: list[str]) -> list[list[int]]:
    tokenizer = open_tokenizer(model)
    tokenizer.enable_truncation(int(footer(tokens)["decant.max_length"]))
    tokenizer.no_padding()
    encoded = encode(tokenizer, texts)
    ours = read(tokens)
    token_ids = dict(zip(ours["example_id"], ours["token_ids"], strict=True))
    for example, found in zip(ids, encoded, strict=True):
        if token_ids[example] != found:
            sys.exit(f"{example}: our tokens {token_ids[example]} are not {found}")
    return encoded


def log_sum_exp(logits: np.ndarray) -> np.ndarray:
    return logits[..., 0] - log_softmax(logits)[..., 0]


def differences(
    logits: np.ndarray, rows: dict[str, list], temperatures: list[float]
) -> dict[str, float]:
    """Largest distance of each column to what the logits say."""
    wide = logits.astype(np.float64)
    log_probs = log_softmax(wide)
    is_dense = "logits" in rows
    found = {"logits": largest_difference(rows["logits"], wide)} if is_dense else best(wide, rows)
    found["entropy_nats"] = largest_difference(
        rows["entropy_nats"], -(np.exp(log_probs) * log_probs).sum(axis=-1)
    )
    for temperature in temperatures:
        suffix = f"t{temperature:g}".replace(".", "_")
        scaled = wide / temperature
        wanted = {"log_sum_exp": log_sum_exp(scaled)}
        if not is_dense:
            outside = np.ones(wide.shape, bool)
            np.put_along_axis(outside, np.array(rows["top_ids"]), False, axis=-1)
            rest = log_sum_exp(scaled[outside].reshape(len(wide), -1))
            wanted["tail_log_mass"] = rest - wanted["log_sum_exp"]
        for name, value in wanted.items():
            found[f"{name}_{suffix}"] = largest_difference(rows[f"{name}_{suffix}"], value)
    return found


def best(wide: np.ndarray, rows: dict[str, list]) -> dict[str, float]:
    """The k-th largest, whichever class it has, and the class that we name for it."""
    top_ids = np.array(rows["top_ids"])
    largest = np.flip(np.sort(wide, axis=-1), axis=-1)[:, : top_ids.shape[1]]
    return {
        "top_logits": largest_difference(rows["top_logits"], largest),
        "top_ids": largest_difference(
            rows["top_logits"], np.take_along_axis(wide, top_ids, axis=-1)
        ),
    }


def best_classes(rows: dict[str, list]) -> np.ndarray:
    if "logits" in rows:
        return np.array(rows["logits"]).argmax(axis=-1)
    return np.array(rows["top_ids"])[:, 0]


def main(model: Path, examples: Path, tokens: Path, rows_folder: Path) -> None:
    rows, texts = read(rows_folder), read(examples)
    text_of = dict(zip(texts["example_id"], texts["text"], strict=True))
    ids = rows["example_id"]
    encoded = check_tokens(model, [text_of[example] for example in ids], tokens, ids)
    logits = OnnxClassifier(model).logits_by_length(encoded)
    temperatures = json.loads(footer(rows_folder)["decant.temperatures"])
    result = {
        "rows": len(ids),
        "sameTop1": int((best_classes(rows) == logits.argmax(axis=-1)).sum()),
        "differences": differences(logits, rows, temperatures),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
