"""A recording as tokens and back: `python examples/code_a_recording.py IN.wav OUT.wav [CODEC]`."""

import sys

import numpy as np
import soundfile

import duologue
from corpus.audio import read


def main(source: str, target: str, name: str = "laptop") -> None:
    """Encode every channel, tell what it takes, and write what the codec makes of it."""
    codec = duologue.Codec.load(name)
    wave = read(source, codec.sample_rate)  # [C, T]
    codes = codec.encode(wave)  # [C, K, F]
    seconds = codes.shape[-1] / codec.frame_rate
    bits = codes.size / len(wave) * np.log2(codec.model.config.quantizer.codebook_size)
    print(f"{codec}: {codes.shape} codes, {bits / seconds / 1000:.2f} kbit/s a channel")
    soundfile.write(target, np.clip(codec.decode(codes).T, -1, 1), codec.sample_rate)


if __name__ == "__main__":
    main(*sys.argv[1:])
