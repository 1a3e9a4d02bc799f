"""Makes xlm-roberta/: a tiny XLM-RoBERTa of random weights with a sentencepiece (unigram) tokenizer, and what Hugging
Face transformers says of a few sentences with it in single precision.

usage: make_xlm_roberta.py      (torch, transformers, tokenizers, safetensors)
"""

import base64
import json
import pathlib

import numpy
import tokenizers
import torch
import transformers
from tokenizers import decoders, models, normalizers, pre_tokenizers, processors, trainers

FOLDER = pathlib.Path(__file__).with_name("xlm-roberta")
SENTENCES = [
    "The lamplighter counted the windows of the street twice.",
    "L’allumeur de réverbères compta deux fois les fenêtres de la rue.",
    "a",
    "",
    "  two  spaces,\ttabs and\nlines ",
    "東京 and Москва, 🙂 and \u0007 too",
    "one two three four five six seven ",
]


def tokenizer():
    made = tokenizers.Tokenizer(models.Unigram())
    made.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Replace(tokenizers.Regex(" {2,}"), " ")])
    made.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")]
    )
    made.decoder = decoders.Metaspace(replacement="▁", prepend_scheme="always")
    special = ["<s>", "<pad>", "</s>", "<unk>"]
    trainer = trainers.UnigramTrainer(vocab_size=200, special_tokens=special, unk_token="<unk>", show_progress=False)
    made.train_from_iterator(SENTENCES, trainer)
    made.post_processor = processors.TemplateProcessing(single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)])
    return made


def main():
    FOLDER.mkdir(exist_ok=True)
    words = tokenizer()
    words.save(str(FOLDER / "tokenizer.json"))
    torch.manual_seed(7)
    config = transformers.XLMRobertaConfig(
        vocab_size=words.get_vocab_size(),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=1,
        intermediate_size=64,
        max_position_embeddings=82,
        type_vocab_size=1,
        pad_token_id=1,
        bos_token_id=0,
        eos_token_id=2,
        layer_norm_eps=1e-5,
    )
    model = transformers.XLMRobertaModel(config, add_pooling_layer=False).eval()
    with torch.no_grad():
        # As made, weights are so small that a wrong position would hardly show.
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.1)
        model.embeddings.word_embeddings.weight[1] = 0.5
    model.save_pretrained(FOLDER)
    rows = []
    with torch.no_grad():
        for text in SENTENCES:
            ids = words.encode(text).ids
            hidden = model(input_ids=torch.tensor([ids]), attention_mask=torch.ones(1, len(ids))).last_hidden_state[0]
            vector = torch.nn.functional.normalize(hidden.mean(0), dim=0).numpy().astype(numpy.float32)
            vector = base64.b64encode(vector.astype("<f4").tobytes()).decode()
            rows.append({"text": text, "tokens": ids, "vector": vector})
    out = {"made_with": f"torch {torch.__version__}, transformers {transformers.__version__}", "sentences": rows}
    text = json.dumps(out, ensure_ascii=False, indent=1) + "\n"
    pathlib.Path(__file__).with_name("xlm-roberta.json").write_text(text, encoding="utf-8")


main()
