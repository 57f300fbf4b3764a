"""The live loop without a microphone: `python examples/talk_frame_by_frame.py USER.wav [MODEL [RUNTIME]]`."""

import sys

import numpy as np

import duologue
from corpus.audio import FRAME_SAMPLES, read_mono


def main(user: str, model: str = "laptop", runtime: str = "fast") -> None:
    """Feed a recording in frames of 80 ms, as a microphone would, and print what the agent says as it says it."""
    wave = read_mono(user)
    frames = np.pad(wave, (0, -len(wave) % FRAME_SAMPLES)).reshape(-1, FRAME_SAMPLES)
    with duologue.Agent.load(model).stream(runtime=runtime) as stream:
        times = []
        for frame in frames:
            out = stream.step(frame)  # out.audio is what the loudspeaker plays next
            times.append(out.ms.total)
            print(out.text, end="", flush=True)
    print(f"\n{len(frames)} frames of 80 ms, each computed in {np.median(times):.1f} ms")


if __name__ == "__main__":
    main(*sys.argv[1:])
