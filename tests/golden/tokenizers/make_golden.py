"""Makes the files of this folder: python3 make_golden.py (tokenizers 0.23.3, sentencepiece 0.2.3), in this folder."""
import io
import json
import tempfile
import unicodedata
from pathlib import Path
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

HERE = Path(__file__).parent
SAMPLES = HERE.parents[2] / "datasets" / "samples"

OTHER_SCRIPTS = [
    "我的卡在哪里？", "银行卡还没有寄到。", "カードはまだ届いていません", "카드가 아직 도착하지 않았습니다",
    "أين بطاقتي؟", "لم تصل البطاقة بعد", "הכרטיס שלי עדיין לא הגיע", "मेरा कार्ड अभी तक नहीं आया", "บัตรของฉันยังไม่มาถึง",
    "Моя карта ещё не пришла", "Η κάρτα μου δεν έφτασε", "Où est ma carte, déjà payée ?", "Thẻ của tôi chưa đến", "😀 👍 card",
]

CASES = {
    "plain": "Where is my card?",
    "empty": "",
    "only white space": " \t\n ",
    "spaces, tabs and line ends": "  my\tcard \r\n is   late  ",
    "emoji": "my card 😀 arrived 👍🏽 today 🎉",
    "joined emoji and flags": "👩‍👩‍👧‍👦 🏳️‍🌈 🇩🇪 1️⃣",
    "chinese": "我的卡在哪里？银行卡还没有寄到。",
    "rare ideographs": "𠮷野家 𪚥 龘",
    "japanese": "カードはまだ届いていません。ｶｰﾄﾞ",
    "korean, composed and in parts": "카드가 아직 카드가",
    "arabic with marks": "أَيْنَ بِطَاقَتِي؟ ١٢٣",
    "hebrew with points": "הַכַּרְטִיס שֶׁלִּי",
    "hindi": "मेरा कार्ड अभी तक नहीं आया",
    "thai": "บัตรของฉันยังไม่มาถึง",
    "cyrillic and greek": "Моя карта ещё не пришла, Η κάρτα μου",
    "accents, composed": "Où est la carte déjà payée, Škoda Ångström",
    "accents, combining": "Ou\u0300 est la carte de\u0301ja\u0300 paye\u0301e, S\u030ckoda A\u030angstro\u0308m",
    "stacked marks": "c\u0336\u0321\u0353a\u0334\u035dr\u0337\u0489d\u0338",
    "full width and ligatures": "ＣＡＲＤ　１２３ ﬁne ﬂow Ⅷ ㎏ ½ ²",
    "turkish and sharp s": "İstanbul ISPARTA ıi Straße STRASSE ẞ",
    "no space, soft hyphen, joiners": "my\u00a0card pay\u00adment a\u200bb c\u200dd \ufefffirst",
    "right-to-left signs": "card \u202bבטאקה\u202c \u200fend",
    "signs": "$5.00 €10,50 £3 -- ... !? #@&* «quoted» “so” it’s",
    "digits": "1234567890 12,345.67 0x1F 3.14e-10",
    "an address": "https://example.com/a?b=c&d=%20 me@example.org",
    "code": "if (a<=b) { return a[0]; } // ok\n\tx += 1;",
    "names of special tokens": "[CLS] a [MASK] b [SEP] <s> c <mask> d </s> [UNK] <unk> <pad>",
    "a word of 101 letters": "a" * 101,
    "a word of many syllables": "pneumonoultramicroscopicsilicovolcanoconiosis",
    "control characters": "a\u0001b\u007fc\u0085d\u2028e",
    "private use and unassigned": "\ue000 \U0010fffd \u0378",
}
PAIRS = {"two texts": ("Where is my card?", "我的卡 😀"), "the second text is empty": ("my card", "")}


def texts():
    """Questions of the banking77 sample, and sentences in other scripts."""
    lines = (SAMPLES / "banking77" / "unlabelled.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line)["text"] for line in lines[:2500]] + OTHER_SCRIPTS * 4


def unigram():
    """As XLM-RoBERTa, but for its precompiled normaliser."""
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    special = ["<s>", "<pad>", "</s>", "<unk>"]
    tokenizer.train_from_iterator(
        texts(), trainers.UnigramTrainer(vocab_size=700, special_tokens=special, unk_token="<unk>", show_progress=False)
    )
    tokenizer.add_special_tokens([AddedToken("<mask>", lstrip=True, special=True)])
    tokenizer.post_processor = around(tokenizer, "<s> $A </s>", "<s> $A </s> </s> $B </s>")
    return tokenizer


def charsmap():
    """SentencePiece's own form of NFKC, for the characters of the cases and some blocks: the whole map has 240 kB."""
    import sentencepiece
    from sentencepiece import sentencepiece_model_pb2

    blocks = [(0x00A0, 0x0250), (0x2000, 0x2190), (0x3000, 0x3100), (0xFB00, 0xFB07), (0xFF00, 0xFFA0)]
    joined = "".join(CASES.values())
    characters = {chr(code) for start, end in blocks for code in range(start, end)} | set(joined)
    pairs = {a + b for a, b in zip(joined, joined[1:])}
    triples = {a + b + c for a, b, c in zip(joined, joined[1:], joined[2:])}
    rules = {source: unicodedata.normalize("NFKC", source) for source in characters | pairs | triples}
    # A pair that is the sum of its parts needs no rule. White space and control characters as in nmt_nfkc.
    rules = {a: b for a, b in rules.items() if a != b and b != "".join(unicodedata.normalize("NFKC", c) for c in a)} | {
        a: b for a, b in rules.items() if len(a) == 1 and a != b
    }
    rules |= {code: " " for code in "\t\n\r\u00a0\u2028\u200b\ufeff"} | {code: "" for code in "\u0001\u007f\u0085"}
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder) / "rules.tsv"
        codes = lambda text: " ".join(f"{ord(character):X}" for character in text)
        table.write_text("".join(f"{codes(a)}\t{codes(b)}\n" for a, b in sorted(rules.items())), encoding="utf-8")
        model = io.BytesIO()
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(texts()), model_writer=model, vocab_size=300, hard_vocab_limit=False,
            character_coverage=0.98, normalization_rule_tsv=str(table), minloglevel=2,
        )
    return sentencepiece_model_pb2.ModelProto.FromString(model.getvalue()).normalizer_spec.precompiled_charsmap


def unigram_charsmap():
    """The unigram tokenizer with the normaliser that XLM-RoBERTa and T5 bring: SentencePiece's precompiled map."""
    tokenizer = Tokenizer.from_file(str(HERE / "unigram.tokenizer.json"))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Precompiled(charsmap()), normalizers.Replace(Regex(" {2,}"), " ")]
    )
    return tokenizer


def bpe():
    """As RoBERTa: byte-level."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer.train_from_iterator(
        texts(),
        trainers.BpeTrainer(vocab_size=700, special_tokens=special, initial_alphabet=alphabet, show_progress=False),
    )
    ids = {name: tokenizer.token_to_id(name) for name in ("<s>", "</s>")}
    tokenizer.post_processor = processors.RobertaProcessing(
        ("</s>", ids["</s>"]), ("<s>", ids["<s>"]), trim_offsets=True, add_prefix_space=False
    )
    return tokenizer


def around(tokenizer, single, pair):
    special = [(name, tokenizer.token_to_id(name)) for name in ("<s>", "</s>")]
    return processors.TemplateProcessing(single=single, pair=pair, special_tokens=special)


def cases(tokenizer):
    tokenizer.no_padding()
    tokenizer.no_truncation()
    single = [{"name": name, "text": text, "ids": tokenizer.encode(text).ids} for name, text in CASES.items()]
    pairs = [
        {"name": name, "text": a, "text_pair": b, "ids": tokenizer.encode(a, b).ids} for name, (a, b) in PAIRS.items()
    ]
    return single + pairs


def write(name, value):
    (HERE / name).write_text(json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n", encoding="utf-8")


for kind, make in {"unigram": unigram, "unigram-charsmap": unigram_charsmap, "bpe": bpe}.items():
    path = HERE / f"{kind}.tokenizer.json"
    # A Unigram model is never trained twice to the same bits, so what is there stays: delete it to train anew.
    if not path.exists():
        write(path.name, json.loads(make().to_str()))
    write(f"{kind}.cases.json", cases(Tokenizer.from_file(str(path))))
for sample in ("mini", "banking77"):
    path = SAMPLES / sample / "teacher" / "tokenizer.json"
    write(f"wordpiece-{sample}.cases.json", cases(Tokenizer.from_file(str(path))))
