"""How soon the built-in writer's text is worn: words, sentences and phrases of a hundred hours of dialogue."""

from __future__ import annotations

import json
import math
import random
import re
import time
from collections import Counter

from rich.console import Console
from rich.table import Table

from synth.script.builtin.writer import FAMILIES, BuiltinWriter
from synth.script.language import load_language
from synth.script.line import Brief, plain_words

HOURS = 100
WORDS = (150, 450)  # of a dialogue, log-uniform
AIMS = {"word types": 15_000, "unique sentences": 0.60, "4-gram uniqueness": 0.35, "commonest sentence": 0.002}


def measure(hours: float) -> dict[str, float]:
    """The figures of so many hours; `unique sentences` and 4-grams are distinct ones as a share of all."""
    wanted, writer, began = hours * 60 * load_language("en").words_per_minute, BuiltinWriter(), time.monotonic()
    said, words, grams = Counter[str](), Counter[str](), set[int]()
    dialogues = 0
    while sum(words.values()) < wanted:
        length = math.exp(random.Random(dialogues + 7).uniform(*map(math.log, WORDS)))
        lines = writer.write(Brief("en", dict.fromkeys(FAMILIES, 1.0), words=round(length)), random.Random(dialogues))
        for line in lines:
            said.update(found.strip() for found in re.findall(r"[^.?!]+[.?!]", line.text))
        spoken = [word for line in lines for word in plain_words(line.text).split()]
        words.update(spoken)
        grams.update(hash(tuple(spoken[at : at + 4])) for at in range(len(spoken) - 3))
        dialogues += 1
    total = sum(said.values())
    return {
        "hours": hours,
        "dialogues": dialogues,
        "word types": len(words),
        "unique sentences": len(said) / total,
        "4-gram uniqueness": len(grams) / (sum(words.values()) - 3 * dialogues),
        "commonest sentence": said.most_common(1)[0][1] / total,
        "seconds": time.monotonic() - began,
    }


def run(*, as_json: bool, smallest: bool = False) -> None:
    """Measure and print."""
    figures = measure(0.1 if smallest else HOURS)
    if as_json:
        print(json.dumps(figures))
        return
    table = Table("figure", "measured", "aim", title="The built-in writer's variety")
    for name, value in figures.items():
        table.add_row(name, f"{value:,.4g}", f"{AIMS[name]:,.4g}" if name in AIMS else "")
    Console().print(table)
