"""The peer of the encoder benchmark: sentence-transformers, turn by turn.

usage: sentence_transformers.py MODEL_FOLDER TEXTS SCRATCH      (TEXTS: one JSON object with "text" a line)

Reads one request a line on stdin, `PROFILE THREADS BATCH`, such as `f32 2 32`; encodes every text once;
answers with one JSON object a line on stdout. `vectors FILE` writes the last result as 32-bit floats.
"""

import json
import sys
import time

# This file has the package's name: without its own folder on the path, the package is found.
sys.path.pop(0)

import numpy  # noqa: E402
import sentence_transformers  # noqa: E402
import torch  # noqa: E402
from sentence_transformers import models  # noqa: E402


def load(folder, dtype):
    body = models.Transformer(folder, max_seq_length=512, model_kwargs={"torch_dtype": dtype})
    pooling = models.Pooling(body.get_word_embedding_dimension(), pooling_mode="mean")
    model = sentence_transformers.SentenceTransformer(modules=[body, pooling, models.Normalize()], device="cpu")
    assert next(model.parameters()).dtype == dtype
    return model


def main():
    folder, path, _ = sys.argv[1:]
    # The machine's stdout is for answers; whatever the libraries print goes elsewhere.
    answers, sys.stdout = sys.stdout, sys.stderr
    with open(path, encoding="utf-8") as lines:
        texts = ["passage: " + json.loads(line)["text"] for line in lines]
    dtypes = {"f32": torch.float32, "bf16": torch.bfloat16}
    loaded = {profile: load(folder, dtype) for profile, dtype in dtypes.items()}
    tokens = sum(len(ids) for ids in loaded["f32"].tokenizer(texts)["input_ids"])
    versions = f"sentence-transformers {sentence_transformers.__version__}, torch {torch.__version__}"

    def answer(value):
        print(json.dumps(value), file=answers, flush=True)

    answer({"tokens": tokens, "versions": versions})
    vectors = None
    for request in sys.stdin:
        words = request.split()
        if words[0] == "vectors":
            numpy.asarray(vectors, dtype="<f4").tofile(words[1])
            answer({})
            continue
        profile, threads, batch = words[0], int(words[1]), int(words[2])
        torch.set_num_threads(threads)
        wall, cpu = time.perf_counter(), time.process_time()
        vectors = loaded[profile].encode(texts, batch_size=batch, show_progress_bar=False, convert_to_numpy=False)
        vectors = torch.stack([vector.float() for vector in vectors]).numpy()
        answer({"wall_s": time.perf_counter() - wall, "cpu_s": time.process_time() - cpu})


main()
