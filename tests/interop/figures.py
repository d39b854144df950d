"""figures.py TASK METRICS PREDICTIONS LABELS CLASSES: figures of numbers and of entities.

Those of several labels and of regression against scikit-learn and scipy, spans against seqeval.
"""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.dataset
from onnx_classifier import largest_difference
from scipy.stats import pearsonr, spearmanr
from seqeval.metrics import classification_report
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    f1_score,
    mean_absolute_error,
    mean_squared_error,
)


def read(folder: Path) -> dict[str, list]:
    return pyarrow.dataset.dataset(folder).to_table().to_pydict()


def regression(said: np.ndarray, gold: np.ndarray) -> dict[str, float]:
    outputs = range(gold.shape[1])
    return {
        "meanAbsoluteError": mean_absolute_error(gold, said),
        "meanSquaredError": mean_squared_error(gold, said),
        "pearson": np.mean([pearsonr(said[:, i], gold[:, i]).statistic for i in outputs]),
        "spearman": np.mean([spearmanr(said[:, i], gold[:, i]).statistic for i in outputs]),
    }


def multi_label(said: np.ndarray, gold: np.ndarray) -> dict[str, float]:
    yes, is_yes = said > 0, gold >= 0.5
    return {
        "microF1": f1_score(is_yes, yes, average="micro", zero_division=0),
        "macroF1": f1_score(is_yes, yes, average="macro", zero_division=0),
        "meanAveragePrecision": average_precision_score(is_yes, said, average="macro"),
        "subsetAccuracy": accuracy_score(is_yes, yes),
    }


def of_values(task: str, predictions: Path, labels: Path) -> dict[str, float]:
    says, labelled = read(predictions), read(labels)
    gold_of = dict(zip(labelled["example_id"], labelled["targets"], strict=True))
    gold = np.array([gold_of[example] for example in says["example_id"]], np.float64)
    said = np.array(says["logits"], np.float64)
    return (regression if task == "regression" else multi_label)(said, gold)


def of_entities(
    metrics: dict[str, Any], predictions: Path, labels: Path, names: list[str]
) -> tuple[dict[str, float], dict[str, float]]:
    says, labelled = read(predictions), read(labels)
    words = zip(says["example_id"], says["position"], says["predicted_id"], strict=True)
    predicted = {(example, word): names[i] for example, word, i in words}
    gold, said = [], []
    for example, ids in zip(labelled["example_id"], labelled["label_ids"], strict=True):
        known = [word for word, i in enumerate(ids) if i >= 0]
        gold.append([names[ids[word]] for word in known])
        said.append([predicted.get((example, word), "O") for word in known])
    report = classification_report(gold, said, output_dict=True, zero_division=0)
    entities = metrics["words"]["entities"]
    ours, expected = {}, {}
    for entry in [*entities["perType"], {"type": "micro avg", **entities}]:
        for ours_name, name in (("precision", "precision"), ("recall", "recall"), ("f1", "f1-score")):
            ours[f"{entry['type']} {name}"] = entry[ours_name]
            expected[f"{entry['type']} {name}"] = report[entry["type"]][name]
        ours[f"{entry['type']} support"] = entry["support"]
        expected[f"{entry['type']} support"] = report[entry["type"]]["support"]
    return ours, expected


def main(task: str, metrics_folder: str, predictions: str, labels: str, classes: str) -> None:
    metrics = json.loads((Path(metrics_folder) / "metrics.json").read_text())
    if task == "token-classification":
        names = json.loads((Path(classes) / "classes.json").read_text())["classNames"]
        ours, expected = of_entities(metrics, Path(predictions), Path(labels), names)
    else:
        ours = metrics["figures"]
        expected = of_values(task, Path(predictions), Path(labels))
    if set(ours) != set(expected):
        sys.exit(f"figures: {sorted(ours)} are not {sorted(expected)}")
    found = {name: largest_difference(ours[name], expected[name]) for name in expected}
    print(json.dumps({"rows": metrics["rows"], "differences": found}))


if __name__ == "__main__":
    main(*sys.argv[1:])
