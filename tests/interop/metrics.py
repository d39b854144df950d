"""metrics.py METRICS PREDICTIONS LABELS TEACHER: metrics.json against scikit-learn.

Both look at the same predictions; TEACHER are those of the teacher, for the agreement.
"""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.dataset
from onnx_classifier import largest_difference, log_softmax
from scipy.stats import bootstrap
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    confusion_matrix,
    f1_score,
    log_loss,
    precision_recall_fscore_support,
)

PER_CLASS = ("precision", "recall", "f1", "support")


def read(folder: Path) -> dict[str, list]:
    return pyarrow.dataset.dataset(folder).to_table().to_pydict()


def calibration_error(confidence: np.ndarray, correct: np.ndarray, bins: list[dict]) -> float:
    """Guo et al. 2017 with bins (lower, upper]; our counts must be numpy's."""
    edges = np.linspace(0, 1, len(bins) + 1)[1:-1]
    place = np.digitize(confidence, edges, right=True)
    if np.bincount(place, minlength=len(bins)).tolist() != [entry["count"] for entry in bins]:
        sys.exit("calibrationBins: the counts are not numpy's")
    return float(
        sum(
            abs(correct[place == i].mean() - confidence[place == i].mean()) * (place == i).mean()
            for i in np.unique(place)
        )
    )


def check_confusions(metrics: dict[str, Any], gold: np.ndarray, predicted: np.ndarray) -> None:
    names = [entry["label"] for entry in metrics["perClass"]]
    matrix = confusion_matrix(gold, predicted, labels=np.arange(len(names)))
    for entry in metrics["confusions"]:
        count = matrix[names.index(entry["gold"]), names.index(entry["predicted"])]
        if count != entry["count"]:
            sys.exit(f"confusions: {entry} occurs {count} times")


def selective(confidence: np.ndarray, correct: np.ndarray, coverages: list[float]) -> dict:
    """Accuracy of the surest rows, and the mean risk over all their numbers (Geifman and El-Yaniv)."""
    right = correct[np.argsort(-confidence, kind="stable")].cumsum()
    rows = np.arange(1, len(right) + 1)
    taken = [int(np.floor(share * len(right) + 0.5)) for share in coverages]
    return {
        "coverage": [right[n - 1] / n for n in taken],
        "areaUnderRisk": float((1 - right / rows).mean()),
    }


def average_precisions(gold: np.ndarray, probabilities: np.ndarray) -> dict[str, Any]:
    present = np.unique(gold)
    truth = gold[:, None] == np.arange(probabilities.shape[1])
    per_class = average_precision_score(truth[:, present], probabilities[:, present], average=None)
    return {"averagePrecision": per_class, "meanAveragePrecision": float(per_class.mean())}


def by_scikit_learn(
    metrics: dict[str, Any], says: dict[str, list], gold: np.ndarray
) -> dict[str, Any]:
    predicted, confidence = np.array(says["predicted_id"]), np.array(says["confidence"])
    classes = np.arange(len(metrics["perClass"]))
    per_class = precision_recall_fscore_support(gold, predicted, labels=classes, zero_division=0)
    expected = {
        "rows": len(gold),
        "accuracy": accuracy_score(gold, predicted),
        "macroF1": f1_score(gold, predicted, average="macro", zero_division=0),
        "expectedCalibrationError": calibration_error(
            confidence, gold == predicted, metrics["calibrationBins"]
        ),
        **dict(zip(PER_CLASS, per_class, strict=True)),
        **selective(
            confidence, gold == predicted, [point["coverage"] for point in metrics["coverage"]]
        ),
    }
    logits = np.array(says["logits"], np.float64)
    if logits.size == 0:  # the teacher of a top-k cache
        return expected
    probabilities = np.exp(log_softmax(logits))
    return {
        **expected,
        **average_precisions(gold, log_softmax(logits)),
        "negativeLogLikelihood": log_loss(gold, probabilities, labels=classes),
        "predicted_id": logits.argmax(axis=-1),
        "confidence": probabilities.max(axis=-1),
    }


def accuracy_interval(correct: np.ndarray) -> tuple[float, float]:
    random = np.random.default_rng(1)
    drawn = bootstrap((correct,), np.mean, method="percentile", n_resamples=5000, rng=random)
    return tuple(drawn.confidence_interval)


def main(metrics_folder: Path, predictions: Path, labels: Path, teacher: Path) -> None:
    metrics = json.loads((metrics_folder / "metrics.json").read_text())
    says, teacher_says, labelled = read(predictions), read(teacher), read(labels)
    gold_of = dict(zip(labelled["example_id"], labelled["label_id"], strict=True))
    teacher_of = dict(zip(teacher_says["example_id"], teacher_says["predicted_id"], strict=True))
    gold = np.array([gold_of[example] for example in says["example_id"]])
    predicted = np.array(says["predicted_id"])

    check_confusions(metrics, gold, predicted)
    expected = by_scikit_learn(metrics, says, gold)
    if metrics["agreement"] is not None:
        first = [teacher_of[example] for example in says["example_id"]]
        expected["agreement"] = accuracy_score(first, predicted)
    columns = {key: [entry[key] for entry in metrics["perClass"]] for key in PER_CLASS}
    precisions = [entry.get("averagePrecision") for entry in metrics["perClass"]]
    columns["averagePrecision"] = [value for value in precisions if value is not None]
    columns["coverage"] = [point["accuracy"] for point in metrics["coverage"]]
    ours = {**metrics, **says, **columns}
    interval = accuracy_interval((gold == predicted).astype(float))
    result = {
        "rows": len(gold),
        "differences": {name: largest_difference(ours[name], expected[name]) for name in expected},
        "intervalDifference": largest_difference(metrics["accuracyInterval"], interval),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
