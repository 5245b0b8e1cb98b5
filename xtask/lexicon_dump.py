"""Prints every word form of the OpenCorpora dictionary as "form TAB lemma TAB tag", for `cargo xtask lexicon`.

Needs the packages pymorphy3 and pymorphy3-dicts-ru; the command installs both into a folder of its own.
"""

import sys

import pymorphy3

dictionary = pymorphy3.MorphAnalyzer().dictionary
for form, tag, lemma, _, _ in dictionary.iter_known_words():
    sys.stdout.write(f"{form}\t{lemma}\t{tag}\n")
