"""A text classifier in ONNX and its tokenizer.json, by Python's onnxruntime and tokenizers."""

from pathlib import Path

import numpy as np
import onnxruntime
from tokenizers import Tokenizer


class OnnxClassifier:
    def __init__(self, folder: Path, file: str = "onnx/model.onnx") -> None:
        model = folder / file
        self.session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
        self.inputs = [entry.name for entry in self.session.get_inputs()]

    def logits(self, rows: list[list[int]]) -> np.ndarray:
        """[rows, classes]; every row runs alone, without padding."""
        return np.concatenate([self._run(row) for row in rows])

    def logits_by_length(self, rows: list[list[int]]) -> np.ndarray:
        """The same, with rows of one length in one batch: no padding either, and several times as fast."""
        by_length: dict[int, list[int]] = {}
        for place, row in enumerate(rows):
            by_length.setdefault(len(row), []).append(place)
        places = [batch for of in by_length.values() for batch in batched(of, 64)]
        found = [self._run_all([rows[place] for place in batch]) for batch in places]
        order = np.argsort([place for batch in places for place in batch])
        return np.concatenate(found)[order]

    def _run(self, token_ids: list[int]) -> np.ndarray:
        return self._run_all([token_ids])

    def _run_all(self, rows: list[list[int]]) -> np.ndarray:
        ids = np.array(rows, np.int64)
        feeds = {
            "input_ids": ids,
            "attention_mask": np.ones_like(ids),
            "token_type_ids": np.zeros_like(ids),
        }
        return self.session.run(["logits"], {name: feeds[name] for name in self.inputs})[0]


def batched(places: list[int], size: int) -> list[list[int]]:
    return [places[first : first + size] for first in range(0, len(places), size)]


def open_tokenizer(folder: Path) -> Tokenizer:
    return Tokenizer.from_file(str(folder / "tokenizer.json"))


def encode(tokenizer: Tokenizer, texts: list[str]) -> list[list[int]]:
    return [encoding.ids for encoding in tokenizer.encode_batch(texts)]


def log_softmax(logits: np.ndarray) -> np.ndarray:
    wide = logits.astype(np.float64)
    highest = wide.max(axis=-1, keepdims=True)
    return wide - highest - np.log(np.exp(wide - highest).sum(axis=-1, keepdims=True))


def largest_difference(found: object, expected: object) -> float:
    return float(np.abs(np.subtract(found, expected, dtype=np.float64)).max())
