"""student_files.py FOLDER [NAMES]: tensors of a student's files.

NAMES (tests/golden/transformers-names) lists what the Hugging Face class has; config.json gives the
sizes. The ONNX file must hold the same tensors, bit by bit.
"""

import json
import math
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper
from safetensors.numpy import load_file

Shapes = dict[str, list[int]]


def expected_shapes(names: dict[str, Any], config: dict[str, Any]) -> Shapes:
    sizes = {**config, "classes": len(config["id2label"])}

    def size(term: str) -> int:
        return math.prod(int(f) if f.isdigit() else sizes[f] for f in term.split("*"))

    def layer_tensors(group: str, first: int) -> dict[str, list[str]]:
        layers = range(first, config["num_hidden_layers"])
        terms = names.get(group, {}).items()
        return {name.format(layer=layer): shape for layer in layers for name, shape in terms}

    terms = {
        **names["tensors"],
        **layer_tensors("each_layer", 0),
        **layer_tensors("each_layer_but_first", 1),
    }
    return {name: [size(term) for term in shape] for name, shape in terms.items()}


def require_equal(what: str, found: Any, expected: Any) -> None:
    if found != expected:
        sys.exit(f"{what}:\n{found}\nis not\n{expected}")


def check_names(folder: Path, names: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    expected = expected_shapes(json.loads(names.read_text()), config)
    tensors = load_file(folder / "model.safetensors")
    found = {name: list(tensor.shape) for name, tensor in tensors.items()}
    require_equal(f"tensors of {folder}", sorted(found.items()), sorted(expected.items()))


def check_onnx(folder: Path) -> int:
    """Compares the initialisers that are no constants of the graph."""
    model = onnx.load(folder / "onnx" / "model.onnx")
    onnx.checker.check_model(model, full_check=True)
    stored = load_file(folder / "model.safetensors")
    initialisers = {entry.name: numpy_helper.to_array(entry) for entry in model.graph.initializer}
    weights = {
        name: array
        for name, array in initialisers.items()
        if not name.startswith(("ints_", "floats_"))
    }
    require_equal("names of initialisers", sorted(weights), sorted(stored))
    for name, array in weights.items():
        same = array.dtype == np.float32 and array.shape == stored[name].shape
        if not (same and array.tobytes() == stored[name].tobytes()):
            sys.exit(f"{name}: {array.dtype} {array.shape} differs from model.safetensors")
    return len(weights)


def main(student: Path, names: Path | None = None) -> None:
    if names is not None:
        check_names(student, names)
    has_onnx = (student / "onnx").exists()  # a golden model has none
    print(json.dumps({"onnxTensors": check_onnx(student) if has_onnx else 0}))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
