"""What the peers of the encoder benchmark share: the texts, and the talk on stdin and stdout.

A request a line comes in: how to encode every text once, which each peer reads in its own way, or `vectors FILE`, which
writes the last result as 32-bit floats. Each is answered with one JSON object a line.
"""

import json
import sys
import time

import numpy


class Talk:
    """The texts of a file (one JSON object with "text" a line), prefixed as passages; and answers about them."""

    def __init__(self, path):
        # What the libraries print goes elsewhere.
        self.answers, sys.stdout = sys.stdout, sys.stderr
        with open(path, encoding="utf-8") as lines:
            self.texts = ["passage: " + json.loads(line)["text"] for line in lines]

    def answer(self, value):
        print(json.dumps(value), file=self.answers, flush=True)

    def serve(self, tokens, versions, prepare):
        """Says hello, then answers until stdin ends. `prepare(words)` gives what is timed, which gives vectors."""
        self.answer({"tokens": tokens, "versions": versions})
        vectors = None
        for request in sys.stdin:
            words = request.split()
            if words[0] == "vectors":
                numpy.asarray(vectors, dtype="<f4").tofile(words[1])
                self.answer({})
                continue
            run = prepare(words)
            wall, cpu = time.perf_counter(), time.process_time()
            vectors = run()
            self.answer({"wall_s": time.perf_counter() - wall, "cpu_s": time.process_time() - cpu})
