"""The reference for the emotions of French lines: TF-IDF and a linear support vector machine for each label.

usage: emotion.py FILE
FILE: a line a text, {"text", "labels", "fold"}, labels as numbers from 0. For each variant prints a line
{"name", "says"}: what is said of every text by machines that were trained without its fold. A label is said where
its machine's decision is positive, or is the highest where none is. C and class weights are chosen within the
training folds, by three folds of their own.
"""

import json
import sys

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import FeatureUnion
from sklearn.svm import LinearSVC

LABELS = 8
CHOICES = [(c, weight) for c in (0.03, 0.1, 0.3, 1.0) for weight in (None, "balanced")]


def words():
    return TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)


def words_and_letters():
    letters = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True)
    return FeatureUnion([("words", words()), ("letters", letters)])


def said(decisions):
    says = decisions > 0
    none = ~says.any(axis=1)
    says[none, decisions[none].argmax(axis=1)] = True
    return says


def macro_f1(holds, says):
    right, both = (holds & says).sum(axis=0), holds.sum(axis=0) + says.sum(axis=0)
    return np.mean(2 * right / np.maximum(both, 1))


def decide(features, holds, more, choice):
    c, weight = choice
    machines = (LinearSVC(C=c, class_weight=weight).fit(features, holds[:, label]) for label in range(LABELS))
    return np.stack([machine.decision_function(more) for machine in machines], axis=1)


def choose(features, holds):
    parts = np.arange(len(holds)) % 3
    best = None
    for choice in CHOICES:
        decisions = np.zeros(holds.shape)
        for part in range(3):
            inside = parts != part
            decisions[~inside] = decide(features[inside], holds[inside], features[~inside], choice)
        score = macro_f1(holds, said(decisions))
        if best is None or score > best[0]:
            best = (score, choice)
    return best[1]


def main(path):
    rows = [json.loads(line) for line in open(path, encoding="utf8")]
    texts = np.array([row["text"] for row in rows], dtype=object)
    holds = np.array([[label in row["labels"] for label in range(LABELS)] for row in rows])
    folds = np.array([row["fold"] for row in rows])
    for name, make in (("words", words), ("words and letters", words_and_letters)):
        says, choices = np.zeros(holds.shape, dtype=bool), []
        for fold in sorted(set(folds)):
            inside = folds != fold
            vectors = make()
            features = vectors.fit_transform(texts[inside])
            choice = choose(features, holds[inside])
            choices.append("C %g, weights %s" % (choice[0], choice[1]))
            says[~inside] = said(decide(features, holds[inside], vectors.transform(texts[~inside]), choice))
        bits = [int(sum(1 << label for label in range(LABELS) if row[label])) for row in says]
        print(json.dumps({"name": name, "choices": choices, "says": bits}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
