# What transformers says of the golden models beside this file in their other tasks: loss and gradients of a
# classifier of values (problem_type regression and multi_label_classification), and of GPT2LMHeadModel with the
# shift that transformers makes itself; how it starts fresh models; and two more masked models, roberta-masked-lm
# and distilbert-masked-lm, whose decoder is a table of its own.
# Float32, CPU, dropout off. Made with torch 2.15.0 and transformers 5.24.0. Run: python make_head_golden.py
import json, pathlib, torch
from transformers import (AutoModelForCausalLM, AutoModelForSequenceClassification, BertConfig, BertForMaskedLM,
                          BertForSequenceClassification, BertForTokenClassification, DistilBertConfig, DistilBertForMaskedLM, GPT2Config, GPT2LMHeadModel,
                          ModernBertConfig, ModernBertForMaskedLM, ModernBertForSequenceClassification,
                          ModernBertForTokenClassification, RobertaConfig, RobertaForMaskedLM)

here = pathlib.Path(__file__).parent; torch.manual_seed(0)

def rounded(values):
    return [rounded(value) for value in values] if isinstance(values, list) else float(f"{values:.8g}")

def case(m, ids, mask, labels):
    m.eval(); m.zero_grad()
    loss = m(input_ids=ids, attention_mask=mask, labels=labels).loss; loss.backward()
    return dict(loss=rounded(loss.item()), labels=labels.tolist(), gradients={
        n: dict(norm=rounded(p.grad.norm().item()), first=rounded(p.grad.flatten()[:4].tolist()))
        for n, p in m.named_parameters() if p.grad is not None})

tasks = {}
for name in ("bert", "modernbert"):
    given = json.loads((here / name / "cases.json").read_text())
    ids, mask = torch.tensor(given["input_ids"]), torch.tensor(given["attention_mask"])
    for problem in ("regression", "multi_label_classification"):
        m = AutoModelForSequenceClassification.from_pretrained(here / name, problem_type=problem, attn_implementation="eager")
        labels = torch.randn(len(ids), 5) if problem == "regression" else torch.randint(0, 2, (len(ids), 5)).float()
        labels = torch.tensor(rounded(labels.tolist()))
        tasks[f"{name} {problem}"] = case(m, ids, mask, labels)
given = json.loads((here / "gpt2" / "cases.json").read_text())
ids, mask = torch.tensor(given["input_ids"]), torch.tensor(given["attention_mask"])
m = AutoModelForCausalLM.from_pretrained(here / "gpt2", attn_implementation="eager")
tasks["gpt2 causal"] = case(m, ids, mask, torch.where(mask == 1, ids, -100))
(here / "tasks.json").write_text(json.dumps(tasks) + "\n")

# Wide enough that a standard deviation is known within some per cent.
sizes = dict(vocab_size=400, hidden_size=64, num_hidden_layers=2, num_attention_heads=2, num_labels=20, pad_token_id=0,
             intermediate_size=96, max_position_embeddings=128)
modern = dict(global_attn_every_n_layers=1, bos_token_id=None, eos_token_id=None, cls_token_id=None, sep_token_id=None,
              classifier_pooling="mean")
gpt2 = GPT2Config(vocab_size=400, n_positions=128, n_embd=64, n_layer=2, n_head=2, n_inner=96, pad_token_id=0,
                  bos_token_id=None, eos_token_id=None)
fresh = {
    "bert": BertForSequenceClassification(BertConfig(**sizes)),
    "bert of words": BertForTokenClassification(BertConfig(**sizes)),
    "bert masked": BertForMaskedLM(BertConfig(**sizes)),
    "modernbert": ModernBertForSequenceClassification(ModernBertConfig(**sizes, **modern)),
    "modernbert of words": ModernBertForTokenClassification(ModernBertConfig(**sizes, **modern)),
    "modernbert masked": ModernBertForMaskedLM(ModernBertConfig(**sizes, **modern)),
    "gpt2 causal": GPT2LMHeadModel(gpt2),
}
starts = {name: {n: dict(shape=list(p.shape), mean=rounded(p.mean().item()), std=rounded(p.std(unbiased=False).item()),
                         largest=rounded(p.abs().max().item())) for n, p in m.named_parameters()}
          for name, m in fresh.items()}
(here / "starts.json").write_text(json.dumps(starts) + "\n")
print({name: one["loss"] for name, one in tasks.items()})

tiny = dict(vocab_size=60, pad_token_id=1, attn_implementation="eager")
masked = {
    "roberta-masked-lm": RobertaForMaskedLM(RobertaConfig(**tiny, hidden_size=16, num_hidden_layers=1, num_attention_heads=2,
                                                          intermediate_size=24, max_position_embeddings=18, type_vocab_size=1)),
    "distilbert-masked-lm": DistilBertForMaskedLM(DistilBertConfig(**tiny, dim=16, n_layers=1, n_heads=2, hidden_dim=24,
                                                                   max_position_embeddings=16, tie_word_embeddings=False)),
}
given = json.loads((here / "bert-masked-lm" / "cases.json").read_text())
mask, labels = torch.tensor(given["attention_mask"]), torch.tensor(given["labels"])
ids = torch.where(mask == 1, torch.tensor(given["input_ids"]).clamp(min=2), 1)
for name, m in masked.items():
    for p in m.parameters(): p.data.add_(torch.randn_like(p) * 0.1)
    m.eval(); folder = here / name; m.save_pretrained(folder)
    logits = m(input_ids=ids, attention_mask=mask).logits[labels >= 0]
    case = dict(input_ids=ids.tolist(), attention_mask=mask.tolist(), labels=labels.tolist(), logits=rounded(logits.tolist()))
    (folder / "cases.json").write_text(json.dumps(case) + "\n")
