"""The peer of `gradus bench detect`: phrases as regular expressions over lemmas, the plain way to do it in Python.

Reads {"phrases": [...], "texts": [...]} and prints the figures as JSON. A phrase becomes its words as lemmas with up to two
words between them. Lemmas of words seen before are remembered, as anybody would do it.
"""
import functools
import json
import re
import sys
import time

import pymorphy3

begin = time.process_time()
morph = pymorphy3.MorphAnalyzer()


@functools.lru_cache(maxsize=None)
def lemma(word):
    return morph.parse(word)[0].normal_form


def lemmas(text):
    return " ".join(lemma(word) for word in re.findall(r"\w+", text.lower()))


given = json.load(sys.stdin)
patterns = []
for phrase in given["phrases"]:
    words = [re.escape(word) for word in lemmas(phrase).split()[:4]]
    if words:
        patterns.append(re.compile(r"\b" + r"(?:\s\w+){0,2}\s".join(words) + r"\b"))
load = time.process_time() - begin
lemma.cache_clear()


def judge():
    begin, times = time.process_time(), []
    for text in given["texts"]:
        start = time.perf_counter()
        words = lemmas(text)
        sum(1 for pattern in patterns if pattern.search(words))
        times.append(time.perf_counter() - start)
    times.sort()
    spent = max(time.process_time() - begin, 1e-9)
    return {
        "utterances_per_cpu_second": round(len(times) / spent),
        "median_us": round(times[len(times) // 2] * 1e6, 1),
        "p99_us": round(times[int(len(times) * 0.99)] * 1e6, 1),
    }


print(json.dumps({
    "python": sys.version.split()[0],
    "pymorphy3": pymorphy3.__version__,
    "patterns": len(patterns),
    "load_cpu_ms": round(load * 1e3, 1),
    "cold": judge(),
    "warm": judge(),
}))
