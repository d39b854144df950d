# Golden tensors of tiny Hugging Face models that answer for each token: forward logits and gradients of a
# cross-entropy at the asked tokens, float32, CPU, dropout off. Made with torch 2.15.0 and transformers 5.24.0.
# Run: python make_token_golden.py OUTDIR
import json, pathlib, sys, torch
from transformers import (BertConfig, BertForMaskedLM, BertForTokenClassification, GPT2Config, GPT2LMHeadModel,
                          ModernBertConfig, ModernBertForMaskedLM, ModernBertForTokenClassification)

out = pathlib.Path(sys.argv[1]); torch.manual_seed(0)
VOCABULARY, CLASSES = 60, 5
common = dict(vocab_size=VOCABULARY, hidden_size=16, num_hidden_layers=2, num_attention_heads=2, num_labels=CLASSES,
              pad_token_id=0, intermediate_size=24, max_position_embeddings=16, attn_implementation="eager")
modern = dict(global_attn_every_n_layers=1, bos_token_id=None, eos_token_id=None, cls_token_id=None, sep_token_id=None)
gpt2 = GPT2Config(vocab_size=VOCABULARY, n_positions=16, n_embd=16, n_layer=2, n_head=2, n_inner=24, pad_token_id=0,
                  bos_token_id=None, eos_token_id=None, attn_implementation="eager")
models = {
    "bert-tokens": BertForTokenClassification(BertConfig(**common)),
    "modernbert-tokens": ModernBertForTokenClassification(ModernBertConfig(**common, **modern)),
    "bert-masked-lm": BertForMaskedLM(BertConfig(**common)),
    "modernbert-masked-lm": ModernBertForMaskedLM(ModernBertConfig(**common, **modern)),
    "gpt2": GPT2LMHeadModel(gpt2),
}
ids = torch.randint(1, VOCABULARY, (3, 7)); mask = torch.ones(3, 7, dtype=torch.long)
mask[1, 5:] = 0; mask[2, 3:] = 0; ids = ids * mask
asked = torch.tensor([[1, 0, 1, 0, 0, 1, 1], [0, 1, 1, 0, 1, 0, 0], [1, 1, 0, 0, 0, 0, 0]]).bool()

def rounded(values):
    return [rounded(value) for value in values] if isinstance(values, list) else float(f"{values:.8g}")

for name, m in models.items():
    for p in m.parameters(): p.data.add_(torch.randn_like(p) * 0.1)          # so that biases and norms matter
    m.eval()
    classes = CLASSES if name.endswith("tokens") else VOCABULARY
    labels = torch.where(asked, torch.randint(0, classes, ids.shape), -100)   # of the token itself: nothing is shifted
    z = m(input_ids=ids, attention_mask=mask).logits
    loss = torch.nn.functional.cross_entropy(z.reshape(-1, classes), labels.reshape(-1)); loss.backward()
    d = out / name; d.mkdir(parents=True, exist_ok=True); m.save_pretrained(d)
    for extra in d.glob("generation_config.json"): extra.unlink()
    gradients = {n: dict(shape=list(p.shape), norm=rounded(p.grad.norm().item()), first=rounded(p.grad.flatten()[:6].tolist()))
                 for n, p in m.named_parameters() if p.grad is not None}
    case = dict(input_ids=ids.tolist(), attention_mask=mask.tolist(), labels=labels.tolist(),
                logits=rounded(z[asked].tolist()), loss=rounded(loss.item()), gradients=gradients)
    (d / "cases.json").write_text(json.dumps(case) + "\n")
    print(name, loss.item(), sorted(n for n, _ in m.named_parameters()))
