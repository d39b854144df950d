"""load_exported.py FOLDER AUTO_CLASS: an exported student in transformers, whose logits must be those of its ONNX file."""

import json
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import torch
import transformers

TEXTS = ["Call me Ishmael.", "play some jazz from 1959 in the kitchen", "a [MASK] in London €"]

folder, auto_class = Path(sys.argv[1]), sys.argv[2]
tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
model, loading = getattr(transformers, auto_class).from_pretrained(folder, output_loading_info=True)
session = onnxruntime.InferenceSession(folder / "onnx" / "model.onnx")
taken = [one.name for one in session.get_inputs()]
difference = 0.0
for text in TEXTS:
    batch = tokenizer(text, truncation=True, return_tensors="np")
    (answer,) = session.run(["logits"], {name: batch[name].astype(np.int64) for name in taken})
    with torch.no_grad():
        tensors = {name: torch.tensor(batch[name].astype(np.int64)) for name in taken}
        logits = model.eval()(**tensors).logits.numpy()
    if logits.shape != answer.shape:
        sys.exit(f"logits of shape {logits.shape}, in ONNX {answer.shape}")
    difference = max(difference, float(np.abs(logits - answer).max()))
left_over = sorted(str(name) for names in loading.values() for name in names)
result = {
    "model": type(model).__name__,
    "leftOver": left_over,
    "rows": len(TEXTS),
    "difference": difference,
}
print(json.dumps(result))
