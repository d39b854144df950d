"""Loads a folder with the Auto class named and compares its logits of the asked tokens with those of cases.json."""
import json
import sys

import torch
import transformers

folder, auto_class, cases = sys.argv[1:4]
with open(cases) as file:
    case = json.load(file)
model, loading = getattr(transformers, auto_class).from_pretrained(folder, output_loading_info=True)
ids, mask, labels = (torch.tensor(case[key]) for key in ("input_ids", "attention_mask", "labels"))
with torch.no_grad():
    logits = model.eval()(input_ids=ids, attention_mask=mask).logits[labels >= 0]
difference = (logits - torch.tensor(case["logits"])).abs().max().item()
left_over = sorted(name for names in loading.values() for name in names)
print(json.dumps({"model": type(model).__name__, "difference": difference, "leftOver": left_over}))
