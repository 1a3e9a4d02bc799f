#!/usr/bin/env python3
"""Makes vectors.json: what Hugging Face transformers says of our sentences, in single precision.

usage: make.py MODEL_FOLDER     (in an environment with torch, transformers and numpy)

The test `reference.rs` compares the Rust encoder with it. Run this again only when the sentences or the
model change; the digest of the model stands in the file, and the test skips itself for any other.
"""

import base64
import json
import pathlib
import sys

import numpy
import torch
import transformers

SENTENCES = [
    "The lamp in the harbour office burned until the last boat was in.",
    "Nobody had told the miller that the river was rising.",
    "“You might have knocked,” said the old woman, and went on shelling peas.",
    "Rain fell on the slates all night, and by morning the road to the quarry was gone.",
    "She folded the letter twice, put it under the clock, and never spoke of it again.",
    "He laughed, although nothing that the judge had said was funny!",
    "In the spring of that year three brothers opened a bakery opposite the station.",
    "Do you really believe that a dog can remember a tune?",
    "Beyond the orchard, where the wall had fallen, the children kept a fox in a hutch.",
    "The captain counted the barrels again: there were forty-one, and there ought to have been forty-two.",
    "La lampe du bureau du port resta allumée jusqu’au retour du dernier bateau.",
    "Personne n’avait prévenu le meunier que la rivière montait.",
    "« Vous auriez pu frapper », dit la vieille femme en continuant d’écosser ses petits pois.",
    "La pluie tomba toute la nuit sur les ardoises, et au matin la route de la carrière avait disparu.",
    "Elle plia la lettre en deux, la glissa sous la pendule et n’en reparla jamais.",
    "— Crois-tu vraiment qu’un chien puisse se souvenir d’une chanson ?",
    "Au printemps de cette année-là, trois frères ouvrirent une boulangerie en face de la gare.",
    "Il éclata de rire, bien que le juge n’eût rien dit de drôle !",
    "Derrière le verger, là où le mur s’était écroulé, les enfants élevaient un renard.",
    "Le capitaine recompta les tonneaux : il y en avait quarante et un, il en aurait fallu quarante-deux.",
]


def main():
    folder = pathlib.Path(sys.argv[1])
    tokenizer = transformers.PreTrainedTokenizerFast(tokenizer_file=str(folder / "tokenizer.json"))
    model = transformers.AutoModel.from_pretrained(folder, dtype=torch.float32).eval()
    rows = []
    with torch.no_grad():
        for text in SENTENCES:
            batch = tokenizer("passage: " + text, return_tensors="pt", return_token_type_ids=False)
            hidden = model(**batch).last_hidden_state[0]
            vector = torch.nn.functional.normalize(hidden.mean(0), dim=0).numpy().astype(numpy.float32)
            rows.append(
                {
                    "text": text,
                    "tokens": batch["input_ids"][0].tolist(),
                    "vector": base64.b64encode(vector.astype("<f4").tobytes()).decode(),
                }
            )
    out = {
        "model": (folder / "digest").read_text().strip(),
        "made_with": f"torch {torch.__version__}, transformers {transformers.__version__}",
        "vector": "base64 of little-endian 32-bit floats",
        "sentences": rows,
    }
    path = pathlib.Path(__file__).with_name("vectors.json")
    path.write_text(json.dumps(out, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    print(f"{path}: {len(rows)} sentences, {path.stat().st_size} bytes")


main()
