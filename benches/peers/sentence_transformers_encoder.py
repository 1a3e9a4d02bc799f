"""The peer of the encoder benchmark: sentence-transformers, turn by turn.

usage: sentence_transformers_encoder.py MODEL_FOLDER TEXTS SCRATCH      (TEXTS: one JSON object with "text" a line)

A request is `PROFILE THREADS BATCH`, such as `f32 2 32`; see encoder_talk.py.
"""

import sys

import sentence_transformers
import torch
from encoder_talk import Talk
from sentence_transformers import models


def load(folder, dtype):
    body = models.Transformer(folder, max_seq_length=512, model_kwargs={"torch_dtype": dtype})
    pooling = models.Pooling(body.get_word_embedding_dimension(), pooling_mode="mean")
    model = sentence_transformers.SentenceTransformer(modules=[body, pooling, models.Normalize()], device="cpu")
    assert next(model.parameters()).dtype == dtype
    return model


def main():
    folder, path, _ = sys.argv[1:]
    talk = Talk(path)
    dtypes = {"f32": torch.float32, "bf16": torch.bfloat16}
    loaded = {profile: load(folder, dtype) for profile, dtype in dtypes.items()}
    tokens = sum(len(ids) for ids in loaded["f32"].tokenizer(talk.texts)["input_ids"])
    versions = f"sentence-transformers {sentence_transformers.__version__}, torch {torch.__version__}"

    def prepare(words):
        profile, threads, batch = words[0], int(words[1]), int(words[2])
        torch.set_num_threads(threads)
        model = loaded[profile]

        def run():
            vectors = model.encode(talk.texts, batch_size=batch, show_progress_bar=False, convert_to_numpy=False)
            return torch.stack([vector.float() for vector in vectors]).numpy()

        return run

    talk.serve(tokens, versions, prepare)


main()
