"""Rooms in which nobody speaks, for the small agent to be silent in: moshi-finetune's layout, agent left, user right.

    python examples/data/quiet_rooms.py ../shared/speech out/quiet --minutes 20

Each recording is a minute of digital silence, of white, pink or brown noise, or of the manifest's ambience and
household sounds at -60 to -20 dBFS. Nothing is said, so the transcripts are empty: agent tokenize --wordless.
"""

from __future__ import annotations

import argparse
import json
import random
from pathlib import Path

import numpy as np
import soundfile

RATE = 24_000
SECONDS = 60
LOUD = (-60.0, -20.0)  # dBFS, root mean square


def hiss(slope: float, rng: np.random.Generator) -> np.ndarray:
    """Noise whose power falls with frequency to the power `slope`: 0 white, 1 pink, 2 brown. float64 `[T]`."""
    spectrum = np.fft.rfft(rng.standard_normal(RATE * SECONDS))
    frequencies = np.maximum(np.fft.rfftfreq(RATE * SECONDS, 1 / RATE), 20.0)
    return np.fft.irfft(spectrum / frequencies ** (slope / 2), RATE * SECONDS)


def ambience(folder: Path, names: list[str], rng: random.Random) -> np.ndarray:
    """Sounds of the manifest one after the other, with pauses. float64 `[T]`."""
    out = np.zeros(RATE * SECONDS)
    at = 0
    while at < len(out):
        sound, rate = soundfile.read(folder / rng.choice(names))
        assert rate == RATE, "the manifest's sounds are all at 24 kHz"
        sound = sound.mean(axis=-1) if sound.ndim > 1 else sound
        sound = sound[: min(len(out) - at, 20 * RATE)]
        out[at : at + len(sound)] = sound
        at += len(sound) + int(rng.uniform(0, 4) * RATE)
    return out


def at_level(sound: np.ndarray, level: float) -> np.ndarray:
    """A sound scaled to a level in dBFS, its peaks clipped; silence stays silence."""
    power = np.sqrt(np.mean(sound**2))
    return np.clip(sound * (10 ** (level / 20) / power if power else 0.0), -1.0, 1.0)


def main() -> None:
    """Write the recordings and their list."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("speech", type=Path, help="folder with noise.jsonl")
    parser.add_argument("out", type=Path)
    parser.add_argument("--minutes", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    lines = (asked.speech / "noise.jsonl").read_text(encoding="utf-8").splitlines()
    names = [json.loads(line)["path"] for line in lines]
    asked.out.mkdir(parents=True, exist_ok=True)
    listed = []
    for number in range(asked.minutes):
        rng, noise = random.Random(asked.seed * 1000 + number), np.random.default_rng([asked.seed, number])
        kind = rng.choice(["silence", "hiss", "hiss", "ambience", "ambience", "ambience"])
        sound = np.zeros(RATE * SECONDS)
        if kind == "hiss":
            sound = hiss(rng.choice([0.0, 1.0, 1.0, 2.0]), noise)
        elif kind == "ambience":
            sound = ambience(asked.speech, names, rng)
        user = at_level(sound, rng.uniform(*LOUD))
        path = asked.out / f"quiet{number:04d}.wav"
        soundfile.write(path, np.stack([np.zeros_like(user), user], axis=-1), RATE, subtype="PCM_16")
        path.with_suffix(".json").write_text(json.dumps({"alignments": []}), encoding="utf-8")
        listed.append(json.dumps({"path": path.name, "duration": float(SECONDS)}))
    (asked.out / "data.jsonl").write_text("\n".join(listed) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
