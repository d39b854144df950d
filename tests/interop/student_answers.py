"""student_answers.py EXPORTED TRAINED EXAMPLES PREDICTED FILE: an exported student without our code.

TRAINED holds probe.json, EXAMPLES the texts, PREDICTED the output of `decant predict --json`, FILE is the
ONNX file that is asked.
"""

import json
import sys
from pathlib import Path

import numpy as np
import pyarrow.dataset
from onnx_classifier import OnnxClassifier, encode, largest_difference, log_softmax, open_tokenizer


def check_probe(
    classifier: OnnxClassifier, token_ids: dict[str, list[int]], probe: list[dict]
) -> float:
    for entry in probe:
        found = token_ids[entry["exampleId"]]
        if found != entry["tokenIds"]:
            sys.exit(f"{entry['exampleId']}: tokens {found} are not {entry['tokenIds']}")
    logits = classifier.logits([entry["tokenIds"] for entry in probe])
    return largest_difference(logits, [entry["logits"] for entry in probe])


def check_predictions(
    probabilities: np.ndarray, class_names: list[str], predicted: list[dict]
) -> float:
    for row, entry in zip(probabilities, predicted, strict=True):
        label = class_names[row.argmax()]
        if label != entry["label"]:
            sys.exit(f"{entry['text']!r}: {label} is not {entry['label']}")
    return largest_difference(
        probabilities.max(axis=-1), [entry["confidence"] for entry in predicted]
    )


def main(exported: Path, trained: Path, examples: Path, predicted_file: Path, file: str) -> None:
    config = json.loads((exported / "config.json").read_text())
    class_names = [config["id2label"][str(i)] for i in range(len(config["id2label"]))]
    classifier, tokenizer = OnnxClassifier(exported, file), open_tokenizer(exported)

    rows = pyarrow.dataset.dataset(examples).to_table().to_pydict()
    token_ids = dict(zip(rows["example_id"], encode(tokenizer, rows["text"]), strict=True))
    probe = json.loads((trained / "probe.json").read_text())["inputs"]
    logit_difference = check_probe(classifier, token_ids, probe)

    predicted = [json.loads(line) for line in predicted_file.read_text().splitlines()]
    encoded = encode(tokenizer, [entry["text"] for entry in predicted])
    probabilities = np.exp(log_softmax(classifier.logits(encoded)))
    result = {
        "probeRows": len(probe),
        "logitDifference": logit_difference,
        "predictions": len(predicted),
        "confidenceDifference": check_predictions(probabilities, class_names, predicted),
        "longest": max(map(len, encoded)),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:5]), sys.argv[5])
