"""A worker whose texts tell it how to misbehave; what it was asked is written to the file that its argument names.

A second argument is what every text counts as; "die later" ends it at its sixth request.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
import wave
from pathlib import Path

RATE = 16_000
LOG = Path(sys.argv[1])
ALWAYS = sys.argv[2] if len(sys.argv) > 2 else ""


def tell(answer: object) -> None:
    print(json.dumps(answer), flush=True)


def write(path: str, value: bytes, seconds: float) -> None:
    with wave.open(path, "wb") as file:
        file.setparams((1, 2, RATE, 0, "NONE", ""))
        file.writeframes(value * int(seconds * RATE / (len(value) // 2)))


tell(
    {
        "protocol": 1,
        "name": "unruly",
        "version": "3",
        "sample_rate": RATE,
        "clones": True,
        "languages": ["en", "fr"],
        "licence_code": "MIT",
        "licence_weights": "CC-BY-4.0",
    }
)
for number, line in enumerate(sys.stdin):
    request = json.loads(line)
    words, id = request["text"], request["id"]
    text = ALWAYS or words
    if text == "die later" and number == 5:
        sys.exit(1)
    asked_before = LOG.exists() and text in LOG.read_text()
    with LOG.open("a") as log:
        log.write(text + "\n")
    if text == "die" or (text == "die once" and not asked_before):
        print("out of memory", file=sys.stderr, flush=True)
        sys.exit(7)
    if text == "hang":
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        LOG.with_suffix(".child").write_text(str(child.pid))
        time.sleep(600)
    if text == "garbage":
        for step in range(1000):
            print("progress", step)
        sys.stdout.flush()
        continue
    if text == "chatter":
        print("loading weights", flush=True)
        tell({"id": id - 1, "words": None})
    if text == "refuse":
        tell({"id": id, "error": "too odd to say"})
        continue
    if text == "nothing":
        tell({"id": id, "words": None})
        continue
    tone = b"\x00\x20\x00\xe0" * 4
    write(
        request["out"], b"\x00\x00" if text == "silence" else tone, 0.02 if text == "a short clip" else len(words) / 10
    )
    times = [[word, 0.1 * place, 0.1 * place + 0.09] for place, word in enumerate(words.split())]
    if text == "wrong words":
        times[0][0] = "other"
    if text == "late words":
        times[-1][2] = 99.0
    tell({"id": id, "words": times})
    if text == "twice":
        tell({"id": id, "words": None})
