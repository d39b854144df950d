"""features.py STUDENT TOKENS ROWS METRICS: the linear CKA of metrics.json, by numpy.

The features of the student are what the last matrix product before its logits reads, found here in its
graph; those of the teacher stand in the cache.
"""

import json
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pyarrow.dataset


def read(folder: Path) -> dict[str, list]:
    return pyarrow.dataset.dataset(folder).to_table().to_pydict()


def session_of_features(student: Path) -> onnxruntime.InferenceSession:
    model = onnx.load(student / "onnx" / "model.onnx")
    producer = {output: node for node in model.graph.node for output in node.output}
    node = producer["logits"]
    while node.op_type not in ("Gemm", "MatMul"):
        node = next(producer[name] for name in node.input if name in producer)
    model.graph.output.append(onnx.ValueInfoProto(name=node.input[0]))
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    return session, node.input[0]


def student_features(student: Path, rows: list[list[int]]) -> np.ndarray:
    session, output = session_of_features(student)
    known = [entry.name for entry in session.get_inputs()]
    found = []
    for token_ids in rows:
        ids = np.array([token_ids], np.int64)
        feeds = {"input_ids": ids, "attention_mask": np.ones_like(ids)}
        feeds["token_type_ids"] = np.zeros_like(ids)
        found.append(session.run([output], {name: feeds[name] for name in known})[0])
    return np.concatenate(found).astype(np.float64)


def linear_cka(x: np.ndarray, y: np.ndarray) -> float:
    """Kornblith et al. 2019, by the Gram matrices of the rows and not by the features."""
    middle = np.eye(len(x)) - 1 / len(x)
    left, right = middle @ x @ x.T @ middle, middle @ y @ y.T @ middle
    return float((left * right).sum() / np.linalg.norm(left) / np.linalg.norm(right))


def main(student: Path, tokens: Path, rows: Path, metrics_folder: Path) -> None:
    metrics = json.loads((metrics_folder / "metrics.json").read_text())
    ((name, found),) = metrics["featureSimilarity"]["linearCka"].items()
    cache, table = read(rows), read(tokens)
    teacher = dict(zip(cache["example_id"], cache[f"hidden_{name}"], strict=True))
    own = student_features(student, table["token_ids"])
    theirs = np.array([teacher[example] for example in table["example_id"]], np.float64)
    result = {"rows": len(own), "found": found, "expected": linear_cka(own, theirs)}
    if result["rows"] != metrics["featureSimilarity"]["rows"]:
        sys.exit("featureSimilarity: another number of rows")
    print(json.dumps(result))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
