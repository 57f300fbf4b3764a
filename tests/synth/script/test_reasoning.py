"""What a model thinks never comes out of the filter, whole or in chunks; what it says does."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synth.script.models.json_turns import read_turns
from synth.script.models.reasoning import ReasoningFilter, strip

DRAFT = json.dumps({"turns": [{"speaker": "user", "text": "SECRET draft"}]})
FINAL = json.dumps({"turns": [{"speaker": "user", "text": "Hello there"}]})
FORMS = {
    "think": f"<think>SECRET {{not json {DRAFT}</think>\n{FINAL}",
    "thinking": f"<thinking>SECRET</thinking>{FINAL}",
    "upper case, attributes, blanks": f'<THINK effort="high" >SECRET</ THINK >{FINAL}',
    "reasoning": f"<reasoning>SECRET {DRAFT}</reasoning>{FINAL}",
    "nested": f"<think>SECRET <think>SECRET</think> SECRET</think>{FINAL}",
    "nested, of two names": f"<think>SECRET <reasoning>SECRET {DRAFT}</think>{FINAL}",
    "another's end inside": f"<think>SECRET </reasoning> SECRET</think>{FINAL}",
    "begun by the template": f"SECRET {DRAFT} SECRET</think>{FINAL}",
    "Mistral": f"[THINK]SECRET [x] {DRAFT}[/THINK]{FINAL}",
    "Kimi": f"◁think▷SECRET {DRAFT}◁/think▷{FINAL}",
    "Cohere": f"<|START_THINKING|>SECRET {DRAFT}<|END_THINKING|><|START_RESPONSE|>{FINAL}<|END_RESPONSE|>",
    "OpenThoughts": f"<|begin_of_thought|>SECRET<|end_of_thought|><|begin_of_solution|>{FINAL}<|end_of_solution|>",
    "Seed": f"<seed:think>SECRET {DRAFT}</seed:think>{FINAL}",
    "escaped": f"&lt;think&gt;SECRET {DRAFT}&lt;/think&gt;{FINAL}",
    "answer tags": f"<think>SECRET</think><answer>{FINAL}</answer>",
    "harmony": f"<|channel|>analysis<|message|>SECRET {DRAFT}<|end|><|start|>assistant<|channel|>final"
    f"<|message|>{FINAL}<|return|>",
    "harmony, a constrained answer": f"<|channel|>commentary<|message|>SECRET<|end|><|start|>assistant<|channel|>final "
    f"<|constrain|>json<|message|>{FINAL}<|return|>",
    "harmony, its tokens lost": f"analysisWe SECRET {DRAFT}assistantfinal{FINAL}",
    "Gemma": f"<|channel>thought\nSECRET {DRAFT}<channel|>{FINAL}",
    "Granite": f"Here is my thought process:\nSECRET {DRAFT}\nHere is my response:\n{FINAL}",
    "Apriel": f"Here are my reasoning steps:\nSECRET\n[BEGIN FINAL RESPONSE]\n{FINAL}\n[END FINAL RESPONSE]",
    "a fenced draft": f"```draft\nSECRET {DRAFT}\n```\n{FINAL}",
    "a fence in a fenced thought": f"```thinking\nSECRET\n```json\nSECRET {DRAFT}\n```\nSECRET\n```\n"
    f"```json\n{FINAL}\n```",
    "two thoughts": f"<think>SECRET</think> So: <think>SECRET {DRAFT}</think>{FINAL}",
    "a draft unmarked": f"First try: {DRAFT} Better: {FINAL}",
}


def in_chunks(text: str, sizes: list[int]) -> str:
    sieve, said, at = ReasoningFilter(), "", 0
    for size in sizes:
        recalled, new = sieve.recalled, sieve.feed(text[at : at + size])
        said = new if sieve.recalled > recalled else said + new
        at += size
    recalled, new = sieve.recalled, sieve.feed(text[at:])
    said = new if sieve.recalled > recalled else said + new
    return (said + sieve.finish()).strip()


@pytest.mark.parametrize("form", FORMS)
def test_the_answer_is_read_and_the_thought_is_not(form: str) -> None:
    turns = read_turns(FORMS[form]).turns
    assert [turn.text for turn in turns] == ["Hello there"]
    if form != "a draft unmarked":
        assert "SECRET" not in strip(FORMS[form])


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_a_stream_gives_the_same_answer(form: str, size: int) -> None:
    text = FORMS[form]
    assert in_chunks(text, [size] * (len(text) // size + 1)) == strip(text)


@pytest.mark.parametrize(
    "text",
    [
        f"<think>SECRET {DRAFT}", f"[THINK]SECRET {DRAFT}", f"◁think▷{DRAFT}", f"<|channel|>analysis<|message|>{DRAFT}",
        f"analysisWe {DRAFT}", f"```thinking\n{DRAFT}", f"<think>a<think>{DRAFT}</think>{DRAFT}",
    ],
)  # fmt: skip
def test_a_thought_that_never_ends_hides_the_rest(text: str) -> None:
    assert strip(text) == ""
    with pytest.raises(ValueError, match="no JSON"):
        read_turns(text)


@pytest.mark.parametrize(
    "text",
    [
        "I think <3 is nice, a < b and [sic] & so on.", "An analysis of it all.", "analysis, they say, helps.",
        "```json\n[1]\n```", "5 &lt; 6", "", "a <b>bold</b> word", "Thinking about [thinking] is hard.",
    ],
)  # fmt: skip
def test_plain_text_stays(text: str) -> None:
    assert strip(text) == text


PIECES = st.sampled_from(
    [
        "<think>", "</think>", "<thinking>", "</thinking>", "[THINK]", "[/THINK]", "◁think▷", "◁/think▷", "<", "&lt;",
        "```", "```draft\n", "<|channel|>", "analysis", "final", "<|message|>", "<|end|>", "<|start|>", "`", "{", "}",
        "hello ", "\n", " ", "<think a='b", "'>", "Here is my thought process:", "Here is my response:", "|>",
        "<answer>", "assistantfinal",
    ]
)  # fmt: skip


@settings(deadline=None, max_examples=400)
@given(st.lists(PIECES | st.text(max_size=4), max_size=20), st.lists(st.integers(1, 9), max_size=60))
def test_any_cut_of_any_text_gives_the_same(pieces: list[str], sizes: list[int]) -> None:
    text = "".join(pieces)
    assert in_chunks(text, sizes) == strip(text)


OPEN_AND_CLOSE = [
    ("<think>", "</think>"),
    ("<reasoning>", "</reasoning>"),
    ("[THINK]", "[/THINK]"),
    ("◁think▷", "◁/think▷"),
]


@settings(deadline=None, max_examples=200)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 3)), max_size=30))
def test_what_stands_inside_any_nest_of_thoughts_is_never_said(moves: list[tuple[bool, int]]) -> None:
    text, stack = "", []
    for opens, kind in moves:
        if opens:
            stack.append(kind)
            text += OPEN_AND_CLOSE[kind][0]
        elif stack:
            text += OPEN_AND_CLOSE[stack.pop()][1]
        text += "SECRET " if stack else "said "
    assert "SECRET" not in strip(text)
    assert strip(text).count("said") == text.count("said")


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        "{" * 100_000,
        '{"a":' * 100_000,
        '[{"turns":' * 50_000,
        '{"turns": [' * 20_000,
        "[{}," * 100_000,
        "]" * 9,
    ],
    ids=lambda text: text[:8],
)
def test_a_hundred_thousand_brackets_are_an_unusable_answer(text: str) -> None:
    with pytest.raises(ValueError, match=r"JSON|characters|turn's"):
        read_turns(text)


@settings(deadline=None, max_examples=300)
@given(
    st.lists(
        PIECES | st.sampled_from([DRAFT, FINAL, DRAFT[:30], '{"call":', "[", '"turns"', ":", "]", '"']), max_size=12
    )
)
def test_whatever_comes_is_read_or_refused(pieces: list[str]) -> None:
    with contextlib.suppress(ValueError):
        assert read_turns("".join(pieces)).turns


@pytest.mark.parametrize(
    "text",
    [
        f'{{"call": {FINAL}}}', f'{{"call": {{"dialogue": {FINAL}}}}}', f"Sure! {{as you asked}} {FINAL} Enjoy [it].",
        '{"thought": "SECRET {", "turns": [{"speaker": "user", "text": "Hello there"}]}',
        f'Schema: {{"turns": [...]}}\n{FINAL}', f'{FINAL}\n{{"note": "done"}}', f'{FINAL}\n{{"turns": []}}',
        f'json\n{FINAL}'.replace("]}", ",],}"), f'{DRAFT}\n{FINAL}\n{{"turns": [{{"speaker": "cat", "text": "x"}}]}}',
    ],
)  # fmt: skip
def test_turns_are_found_in_what_surrounds_them(text: str) -> None:
    answer = read_turns(text)
    assert [turn.text for turn in answer.turns] == ["Hello there"]
    assert not answer.cut_off
