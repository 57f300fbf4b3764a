"""`agent talk --mind ...` over a file, with parts that need no weights."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import soundfile
from typer.testing import CliRunner

from agent.cli import app
from corpus.audio import FRAME_SAMPLES, SAMPLE_RATE


def typed(*words: str) -> tuple[int, str]:
    """Run the command; its exit code, and what it said or failed with."""
    result = CliRunner().invoke(app, ["talk", *words])
    return result.exit_code, result.output + (str(result.exception) if result.exception else "")


def test_a_talk_from_a_file_with_a_script_for_an_ear(tmp_path: Path) -> None:
    noise = 0.1 * np.random.default_rng(0).standard_normal(SAMPLE_RATE)
    soundfile.write(tmp_path / "user.wav", np.concatenate([np.zeros(SAMPLE_RATE), noise]), SAMPLE_RATE)
    (tmp_path / "ear.jsonl").write_text('{"start": 1.0, "end": 2.0, "text": "What is the capital of France?"}\n')
    (tmp_path / "mind.jsonl").write_text('{"if": "france", "say": "It is Paris."}\n')
    parts = ["--mind", f"script:{tmp_path / 'mind.jsonl'}", "--ear", f"script:{tmp_path / 'ear.jsonl'}"]
    files = ["--input", str(tmp_path / "user.wav"), "--output", str(tmp_path / "both.wav")]
    events = tmp_path / "talk.jsonl"
    code, said = typed(
        *parts, "--mouth", "tone", "--turn", "vad", *files, "--events", str(events), "--keep", str(tmp_path / "talk")
    )
    assert code == 0, said
    assert "user: What is the capital of France?\nagent: It is Paris." in said
    assert "nothing leaves this machine" in said
    kinds = [json.loads(line)["kind"] for line in events.read_text().splitlines()]
    assert [kind for kind in kinds if kind != "heard"][:2] == ["think", "begin"]
    sound, _ = soundfile.read(tmp_path / "both.wav")
    assert np.abs(sound[:, 0]).max() > 0.05
    code, said = typed("--replay", str(tmp_path / "talk"), "--events", str(tmp_path / "again.jsonl"))
    assert (code, said) == (0, f"{tmp_path / 'talk'}: all {len(sound) // FRAME_SAMPLES} frames came out the same\n")
    assert (tmp_path / "again.jsonl").read_text() == events.read_text()


def test_what_is_missing_is_one_line_with_the_parts_name(tmp_path: Path) -> None:
    files = ["--input", "user.wav", "--output", str(tmp_path / "both.wav")]
    code, said = typed("--mind", "gguf:/none.gguf", "--ear", "own", "--mouth", "tone", "--turn", "vad", *files)
    assert code
    assert "--mind: mind gguf:/none.gguf: there is no file" in said
    code, said = typed("--mind", "echo", "--turn", "tarot", *files)
    assert code
    assert "--turn: there is no turn source 'tarot'; choose one of both, listener" in said
