"""An assistant as whom clients talk to; its settings, its log, a talk over a file."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from agent.assistant.log import HappeningLog
from agent.assistant.settings import AssistantSettings, gather
from agent.desk.from_file import talk_over_file
from agent.desk.talk import BothSides
from agent.live.controls import Controls
from agent.live.scheduler import Scheduler
from agent.live.wishes import Cancel, Forgotten, Respond, TalkSettings, Utter, Write
from tests.support.agent_fixtures import FakeClock
from tests.support.assistant_parts import quiet, scripted_assistant, voice


def test_a_file_is_talked_to_until_all_is_said_and_the_log_says_why(tmp_path: Path) -> None:
    user = np.concatenate([*voice(0.8)])
    both = BothSides(tmp_path / "both.wav")
    with HappeningLog(tmp_path / "talk.jsonl") as log:
        said = talk_over_file(scripted_assistant(log), user, both)
    both.close()
    assert said == ["user: What is it?", "agent: It is Paris, as you know well."]
    lines = [json.loads(line) for line in (tmp_path / "talk.jsonl").read_text().splitlines()]
    assert [line["kind"] for line in lines[:3]] == ["heard", "think", "begin"]
    assert [line["text"] for line in lines if line["kind"] == "voiced"] == [
        "It",
        "is",
        "Paris,",
        "as",
        "you",
        "know",
        "well.",
    ]
    assert list(lines[0]) == ["at", "kind", "text"]
    sound, _ = soundfile.read(tmp_path / "both.wav")
    spoke = np.flatnonzero(np.abs(sound[:, 0]) > 0.1)
    assert spoke[0] / 24_000 == pytest.approx(0.8 + 0.24 + 0.08, abs=0.02), "the answer to a frame plays in the next"


def test_it_takes_the_place_of_a_model_in_a_scheduler() -> None:
    clock = FakeClock()
    scheduler = Scheduler(scripted_assistant(), clock)
    ticket = scheduler.admission.admit(Controls())
    outs = []
    for frame in voice(0.8) + quiet(4.0):
        assert ticket.session is not None
        ticket.session.push(frame)
        scheduler.tick()
        outs += ticket.session.pull()
    assert "".join(out.text for out in outs).strip() == "It is Paris, as you know well."


def test_talks_are_apart_and_come_back() -> None:
    assistant = scripted_assistant()
    one, other = assistant.open(), assistant.open()
    with pytest.raises(ValueError, match="all 2 slots"):
        assistant.open()
    for frame in voice(0.8):
        assistant.step({one: frame, other: quiet(0.08)[0]})
    kept = assistant.snapshot(one)
    for frame in quiet(0.4):
        assistant.step({one: frame, other: frame})
    assert assistant.talk(one).state.mode == "speaking"
    assert assistant.talk(other).state.mode == "listening"
    assistant.shut()
    back = assistant.restore(kept)
    assert assistant.talk(back) is kept


def test_wishes_are_heeded_or_refused() -> None:
    assistant = scripted_assistant()
    slot = assistant.open()
    assistant.ask(slot, Utter("Dinner is ready."))
    outs = [assistant.step({slot: frame})[slot] for frame in quiet(0.8)]
    assert any(out.audio.any() for out in outs)
    assistant.ask(slot, Cancel())
    outs = [assistant.step({slot: frame})[slot] for frame in quiet(2.0)]
    assert not any(out.audio.any() for out in outs[3:])
    assistant.ask(slot, TalkSettings(instructions="Be short."))
    assert assistant.talk(slot).options.instructions == "Be short."
    assistant.ask(slot, Write("1", "user", "And Spain?"))
    assistant.ask(slot, Respond())
    outs = [assistant.step({slot: frame})[slot] for frame in quiet(3.0)]
    assert "".join(out.text for out in outs).strip() == "It is Paris, as you know well."
    with pytest.raises(ValueError, match="Forgotten"):
        assistant.ask(slot, Forgotten("1"))


def test_settings_are_strict_and_flags_win(tmp_path: Path) -> None:
    path = tmp_path / "assistant.toml"
    path.write_text('mind = "echo"\npatience = 1.5\n')
    assert gather(path, patience=3.0, ear=None) == AssistantSettings(mind="echo", patience=3.0)
    path.write_text("patiense = 1.5\n")
    with pytest.raises(ValueError, match="patience"):
        gather(path)
    with pytest.raises(ValueError, match="patience"):
        gather(None, patience=100.0)
    facts = tmp_path / "facts.txt"
    facts.write_text("Soup is four euros.")
    assert AssistantSettings(facts=str(facts)).told().endswith("Soup is four euros.")
    with pytest.raises(ValueError, match=r"none\.txt"):
        AssistantSettings(facts=str(tmp_path / "none.txt")).told()
