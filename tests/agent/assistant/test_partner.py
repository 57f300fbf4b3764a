"""An assistant as whom clients talk to; its settings, its log, a talk over a file."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from agent.assistant.asked import Asked
from agent.assistant.log import HappeningLog
from agent.assistant.manners import Manners
from agent.assistant.mouth.tone import ToneMouth
from agent.assistant.partner import Assistant
from agent.assistant.parts import Message, ToolCall
from agent.assistant.settings import AssistantSettings, gather
from agent.desk.from_file import talk_over_file
from agent.desk.talk import BothSides
from agent.live.controls import Controls
from agent.live.scheduler import Scheduler
from agent.live.talk_events import AgentBegan, AgentEnded, AgentWrites, Happening, ToolWanted, UserWords
from agent.live.wishes import (
    Cancel,
    EndTurn,
    Forgotten,
    RefusedError,
    Respond,
    TalkSettings,
    ToolResult,
    ToolSpec,
    Truncate,
    TurnRules,
    Utter,
    Write,
)
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
    assistant.ask(slot, Write("1", "user", "And Spain?"))
    assistant.ask(slot, Respond())
    outs = [assistant.step({slot: frame})[slot] for frame in quiet(3.0)]
    assert "".join(out.text for out in outs).strip() == "It is Paris, as you know well."
    assert asked(assistant)[-1][0] == Message("system", "Be short.")
    assert asked(assistant)[-1][-1] == Message("user", "And Spain?")
    with pytest.raises(RefusedError, match="speed"):
        assistant.check(TalkSettings(speed=1.5))


class OneTalk:
    """A talk that is moved on, and what happened in it."""

    def __init__(self, **parts: Any) -> None:
        self.assistant = scripted_assistant(**parts)
        self.slot = self.assistant.open()
        self.events: list[Any] = []
        self.words, self.sounding = "", 0  # frames with sound

    def hear(self, frames: list[Any]) -> list[Any]:
        found: list[Any] = []
        for frame in frames:
            out = self.assistant.step({self.slot: frame})[self.slot]
            found += [event for event in out.events if not isinstance(event, Happening)]
            self.words += out.text
            self.sounding += bool(out.audio.any())
        self.events += found
        return found

    def ask(self, wish: Any) -> None:
        self.assistant.check(wish)
        self.assistant.ask(self.slot, wish)

    @property
    def history(self) -> list[tuple[str, str]]:
        return [(each.role, each.text) for each in self.assistant.talk(self.slot).history.messages]


def asked(assistant: Assistant) -> list[Any]:
    mind: Any = assistant.parts.mind
    return mind.asked  # type: ignore[no-any-return]


def test_a_clients_tool_is_called_by_the_client() -> None:
    """The turn ends with the call; the answer to it comes with the next response, as OpenAI's clients expect it."""
    call = ToolCall("c1", "time", "{}")
    talk = OneTalk(answers=[[call], ["It is noon."]])
    talk.ask(TalkSettings(tools=(ToolSpec("time", "tells the time", {"type": "object"}),)))
    found = talk.hear(voice(0.8) + quiet(2.0))
    told = [type(event) for event in found if isinstance(event, (AgentBegan, ToolWanted, AgentEnded))]
    assert told == [AgentBegan, ToolWanted, AgentEnded]
    assert next(event for event in found if isinstance(event, ToolWanted)).call == "c1"
    talk.ask(ToolResult("i1", "c1", "12:00"))
    talk.ask(Respond("wish"))
    found = talk.hear(quiet(3.0))
    assert talk.words.strip() == "It is noon."
    assert [event.wish for event in found if isinstance(event, AgentBegan)] == ["wish"]
    read = asked(talk.assistant)[-1]
    assert [message.role for message in read] == ["system", "user", "assistant", "tool"]
    assert (read[2].calls, read[3].call_id, read[3].text) == ((call,), "c1", "12:00")


def test_tool_choice_names_what_may_be_called() -> None:
    specs = tuple(ToolSpec(name, name, {"type": "object"}) for name in ("time", "place"))
    for choice, names in (("auto", ["time", "place"]), ("none", []), ("place", ["place"])):
        talk = OneTalk()
        talk.ask(TalkSettings(tools=specs, tool_choice=choice))
        offered = talk.assistant.talk(talk.slot).asked.tools(talk.assistant.parts.tools).tools
        assert [tool.name for tool in offered] == names


def test_what_a_client_did_not_play_was_not_said() -> None:
    talk = OneTalk()
    talk.hear(voice(0.8) + quiet(4.0))
    turn = next(event.turn for event in talk.events if isinstance(event, AgentEnded))
    assert talk.history[-1] == ("assistant", "It is Paris, as you know well.")
    talk.ask(Truncate(turn, 1000.0))
    assert talk.history[-1] == ("assistant", "It is Paris,")  # words of 0.32 s
    talk.ask(Truncate(turn, 0.0))
    assert talk.history == [("user", "What is it?")]


def test_entries_are_forgotten_by_id_and_by_turn() -> None:
    talk = OneTalk()
    talk.ask(Write("a", "system", "It rains."))
    talk.hear(voice(0.8) + quiet(4.0))
    assert [role for role, _ in talk.history] == ["system", "user", "assistant"]
    talk.ask(Forgotten("a"))
    talk.ask(Forgotten("nobody"))
    assert [role for role, _ in talk.history] == ["user", "assistant"]
    talk.ask(Forgotten("item", "agent", 1))
    assert talk.history == [("user", "What is it?")]
    talk.ask(Forgotten("item", "user", 1))
    assert talk.history == []


def test_an_answer_as_it_was_asked_for() -> None:
    """Instructions of its own, other words than the history's, written instead of voiced, not remembered."""
    talk = OneTalk(answers=[["Bonjour.", "Ça va?"]])
    given = (Write("x", "user", "Say it in French."),)
    talk.ask(Respond("w", "Be French.", False, False, given))
    found = talk.hear(quiet(2.0))
    assert asked(talk.assistant)[-1] == (Message("system", "Be French."), Message("user", "Say it in French."))
    written = [event for event in found if isinstance(event, AgentWrites)]
    assert "".join(event.text for event in written).split() == ["Bonjour.", "Ça", "va?"]
    assert [type(event) for event in found if isinstance(event, (AgentBegan, AgentEnded))] == [AgentBegan, AgentEnded]
    assert (talk.words, talk.history) == ("", [])


@pytest.mark.parametrize("kind", ["none", "server_vad"])
def test_an_agent_that_answers_only_when_asked_to(kind: Any) -> None:
    """Push-to-talk, and a detector of turns whose client answers: the user's turn ends, the agent waits."""
    talk = OneTalk()
    talk.ask(TalkSettings(turns=TurnRules(kind, responds=False, interrupts=kind != "none")))
    found = talk.hear(voice(0.8))
    if kind == "none":
        talk.ask(EndTurn())
    found = talk.hear(quiet(1.0))
    assert [event.text for event in found if isinstance(event, UserWords) and event.final] == ["What is it?"]
    assert not any(isinstance(event, AgentBegan) for event in talk.events)
    talk.ask(Respond("w"))
    talk.hear(quiet(4.0))
    assert talk.words.strip() == "It is Paris, as you know well."
    assert talk.history == [("user", "What is it?"), ("assistant", "It is Paris, as you know well.")]


def test_words_that_are_still_coming_are_answered_when_the_client_asks_early() -> None:
    talk = OneTalk()
    talk.ask(TalkSettings(turns=TurnRules("none", responds=False, interrupts=False)))
    talk.hear(voice(0.8))
    talk.ask(EndTurn())
    talk.ask(Respond("w"))  # the ear has said nothing yet
    talk.hear(quiet(4.0))
    assert talk.history == [("user", "What is it?"), ("assistant", "It is Paris, as you know well.")]


def test_an_answer_ends_with_its_tokens_and_gives_way_to_another() -> None:
    talk = OneTalk(answers=[["One two three.", "Four five six.", "Seven eight nine."]])
    talk.ask(TalkSettings(most_tokens=6))
    talk.hear(voice(0.8) + quiet(4.0))
    ended = next(event for event in talk.events if isinstance(event, AgentEnded))
    assert (ended.status, ended.text) == ("incomplete", "One two three. Four five six.")
    assert ended.tokens_in > 0
    assert ended.tokens_out == 8
    talk = OneTalk()
    talk.hear(voice(0.8) + quiet(0.8))
    talk.ask(Respond("w"))
    found = talk.hear(quiet(4.0))
    told = [(type(event), getattr(event, "status", "")) for event in found]
    assert told == [(AgentEnded, "interrupted"), (AgentBegan, ""), (AgentEnded, "completed")]


def test_a_client_sets_the_speed_of_a_mouth_that_has_several() -> None:
    ends = []
    for speed in (1.0, 2.0):
        talk = OneTalk()
        executor: Any = talk.assistant.executor
        parts = replace(talk.assistant.parts, mouth=ToneMouth(executor))
        talk.assistant.parts = talk.assistant.talk(talk.slot).parts = parts
        talk.ask(TalkSettings(speed=speed))
        found = talk.hear(voice(0.8) + quiet(6.0))
        assert [event.status for event in found if isinstance(event, AgentEnded)] == ["completed"]
        ends.append(talk.sounding)
    assert ends[1] < 0.75 * ends[0]


def test_rules_of_turns_are_manners() -> None:
    asked, usual = Asked(), Manners()
    for rules, patience in (
        (TurnRules(), 2.4),
        (TurnRules(silence_ms=900.0), 0.9),
        (TurnRules("semantic_vad", eagerness="low"), 8.0),
        (TurnRules("semantic_vad"), 2.4),
    ):
        asked.settings = TalkSettings(turns=rules)
        assert asked.manners(usual).patience == patience
    asked.settings = TalkSettings(turns=TurnRules(interrupts=False))
    assert asked.manners(usual).uninterruptible


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
    assert AssistantSettings(facts=str(facts)).said_first() == ""


def test_what_an_agent_is_taught_tells_a_mind_who_it_is_and_what_it_knows(tmp_path: Path) -> None:
    menu = tmp_path / "menu.toml"
    menu.write_text(
        'name = "B"\nabout = "You are B."\ngreeting = "Hi."\n[[question]]\nask = "Soup?"\nanswer = "Four."\n'
    )
    settings = AssistantSettings(facts=str(menu))
    assert settings.told().startswith("You are B.\nYou are a voice assistant.")
    assert settings.told().endswith("What you know:\nQuestion: Soup?\nAnswer: Four.")
    assert settings.said_first() == "Hi."
    assert settings.changed(greeting="Hello.").said_first() == "Hello."
    menu.write_text('name = "B"')
    with pytest.raises(ValueError, match="nothing is taught"):
        settings.told()
