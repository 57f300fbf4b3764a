"""Basics: what a child could answer. The agent speaks a closed set of sentences, the user words things in many ways.

The agent's sentences stand in `facts/basics.csv` and `facts/basics.json`, but for the one of every sum; each is the
same to the letter whenever it is said. So that this holds, the behaviours around the agent's lines are arranged here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from corpus.record import Question

from .. import behaviours, macros
from ..behaviours import Barge
from ..questions import Check
from ..questions.check import check
from ..spoken import cardinal
from ..stage import Draft
from ..tables import phrases, table
from ..talk import Talk

LARGEST = 12  # result of a sum
_THINKS = {"user": 1.6, "agent": 0.5}
_BARGES = 1.8
_ROUND = 12  # words of a question with its answer
_TAIL = "[|||, you know|, actually]"
_THANKS = "[{thanks}.|{thanks}.|{great}, {thanks}.|Oh, {thanks}.|{ok}, {thanks}.|{thanks}, that helps.|{thanks}, Joe.]"
_LEARNT = (
    "[{ok}. |{great}. |{thanks}. |I see. |Oh, I see. |That's what I thought. |Good to know. |Ah, right. |Yes, of "
    "course. |I knew it. |Okay, Joe. |||]"
)
_HEARD = "[{ok}. |Okay, Joe. |I see. |All right. ||||]"
_MORE_YES = (
    "[Yes. |Yes, please. |Yes, one more. |I do, yes. |Yeah. |Sure. |Of course. |Hmm, yes. |Let me think. Yes. |]"
)
_LEAD = (
    "[||||And |Okay, |So, |Now, |Next question, |Tell me, |Quick question, |Let me ask you, |Joe, |Hey, |And now, "
    "|I forgot, |Do you know this? |Can you help me? |Here's one for you. |{kin} wants to know, |{friend} asked me, ]"
)
_TURN = "[||||Okay, |So, |Well, |Joe, |Hey, |Listen, |You know, ]"
_BARGE_WAIT = (
    "[Wait, wait.|Hang on.|Sorry, just a second.|Oh, one moment, please.|Wait, I have something.|Sorry to "
    "interrupt.|Oh, Joe, wait.|Hold on, hold on.|Yes, yes, I have another one.|Stop, stop.]"
)


def fixed(name: str) -> list[str]:
    """The agent's sentences for one purpose; see `facts/basics.json`."""
    lines: list[str] = phrases("basics")[name]
    return lines


def _deal(talk: Talk, name: str) -> str:
    return talk.deal(f"basics {name}", fixed(name))


def agent_line(
    talk: Talk, text: str, act: str, told: str = "", *, question: Question | None = None, answers: int | None = None
) -> int:
    """A line of the agent, to the letter: `told`, which may not be cut off, and then `text`. Gives its index.

    Before it the agent may ask for a moment; it may be barged into when long, and is repeated for who missed it.
    """
    if act == "answer" and talk.dice.disturb("thinking", _THINKS["agent"]):
        talk.put("agent", _deal(talk, "wait"), "hold", "hold")
    draft = Draft.of(talk.compose(f"<{told}> {text}" if told and text else told or text, {}))
    index = talk.put("agent", draft.text, act, question=question, answers=answers)
    if len(draft.words) >= behaviours.LONG_LINE:
        talk.dice.count_long()
        if talk.dice.disturb("interruptions", _BARGES):
            ask, reply, again = _BARGE_WAIT, _deal(talk, "cut off"), ""
            if told and talk.rng.random() < 0.5:
                ask, reply, again = macros.SLOWER, _deal(talk, "slower"), told
            behaviours.barge_in(talk, index, draft, Barge(ask, reply, again), False, {})
    elif len(draft.words) >= 4 and act != "close" and talk.dice.ask_back():
        asked = talk.put("user", talk.compose(macros.WHAT, {}).text, "clarify")
        talk.put("agent", told or draft.text, "repair", "repair", reply_to=asked)
    return index


def user_line(
    talk: Talk,
    template: str,
    act: str,
    *,
    lead: str = "",
    question: Question | None = None,
    answers: int | None = None,
    slots: dict[str, str] | None = None,
) -> int:
    """A line of the user: `lead` and `template`. Gives the index of the line to be answered.

    Now and then the user thinks before an answer, or has to ask again, without the lead.
    """
    draft = Draft.of(talk.compose(lead + template, slots or {}))
    think = None
    if act == "answer" and len(draft.words) >= 2 and talk.dice.disturb("thinking", _THINKS["user"]):
        if talk.rng.random() < 0.5:
            behaviours.hold(talk, "user", draft)
        else:
            think = behaviours.ponder(talk, draft)
    if act == "ask" and talk.dice.ask_back():
        talk.put("user", draft.text, act)
        asked = talk.put("agent", _deal(talk, "again"), "clarify")
        again = talk.compose(f"[I said, |I asked, |Sure. |Yes. |No problem. |Sorry. |]{template}", slots or {}).text
        return talk.put("user", again, "repair", "repair", reply_to=asked, question=question)
    return talk.put("user", draft.text, act, question=question, answers=answers, think=think)


def bridge(talk: Talk, question: bool = True) -> str:
    """How the user takes up what the agent said last (an offer, an interruption, an answer) and comes to a question."""
    start = _LEAD if question else _TURN
    last = talk.lines[-1] if talk.lines else None
    if last is None or not last.topic:
        return start
    if last.text.endswith(("another question?", "something else?", "anything else?")):
        return _MORE_YES + start
    if last.text.endswith("?"):
        return start
    return (_LEARNT if last.answers is not None or last.act in ("confirm", "correct") else _HEARD) + start


def fact(talk: Talk) -> tuple[Check, str]:
    """A settled fact with the question the agent asks it with, which is empty for most."""
    question, answer, sentence, wrong, quiz = talk.deal("basics facts", table("basics"))
    return check("basics", answer, f"{question}[?|?|?|?|, please?]", sentence, wrong, sentence), quiz


def total(talk: Talk) -> Check:
    """A sum or a difference of single digits, its result 0 to 12."""
    rng = talk.rng
    while True:
        a, b, plus = rng.randint(0, 9), rng.randint(0, 9), rng.random() < 0.6
        result = a + b if plus else a - b
        if 0 <= result <= LARGEST:
            break
    things = rng.choice(["apples", "eggs", "cats", "coins", "books", "cups", "cakes", "balls", "pens", "shoes"])
    few = a < 2 or b < 1
    shared = "[what's|what is|how much is|what do you get for|what does it make,|how much does it make,]"
    if plus:
        ask = (
            f"[{shared} {{a}} plus {{b}}?|{{a}} plus {{b}}?|{{a}} and {{b}}, what's that?|can you add {{a}} and {{b}}?"
        )
        ask += "|add {a} and {b}, please.|how much are {a} and {b} together?|what's the sum of {a} and {b}?"
        ask += "]" if few else f"|I have {{a}} {things} and get {{b}} more. How many do I have?]"
    else:
        ask = (
            f"[{shared} {{a}} minus {{b}}?|{{a}} minus {{b}}?|{{a}} take away {{b}}, what's that?|take {{b}} away from "
        )
        ask += "{a}, please.|what's left when I take {b} from {a}?|can you take {b} from {a}?"
        ask += "]" if few else f"|I have {{a}} {things} and give {{b}} away. How many are left?]"
    wrong = cardinal(result + 1 if rng.random() < 0.5 or not result else result - 1)
    tell = f"That's {cardinal(result)}."
    return check("arithmetic", cardinal(result), ask, tell, wrong, tell, a=cardinal(a), b=cardinal(b))


def _question(talk: Talk) -> Check:
    """What the user asks next: a sum in a third of the cases, else a fact."""
    return total(talk) if talk.rng.random() < 0.35 else fact(talk)[0]


def ask(talk: Talk) -> None:
    """One to four questions in a row, each answered; now and then doubted."""
    for number in range(4):
        if number and talk.room() < _ROUND:
            break
        one = _question(talk)
        asked = user_line(talk, one.ask, "ask", lead=bridge(talk), question=one.question, slots=one.slots)
        offer = _deal(talk, "more") if talk.rng.random() < 0.35 else ""
        agent_line(talk, offer, "answer", one.tell, answers=asked)
        if not offer and talk.room() > _ROUND:
            _after(talk, one)


def ask_plainly(talk: Talk) -> None:
    """Two to six questions in a row, with hardly a word between them."""
    _ask_in_a_row(talk, _question)


def ask_sums(talk: Talk) -> None:
    """Two to six sums in a row: a hundred of them take more learning than a hundred facts."""
    _ask_in_a_row(talk, total)


def _ask_in_a_row(talk: Talk, question: Callable[[Talk], Check]) -> None:
    for number in range(6):
        if number > 1 and talk.room() < _ROUND:
            break
        one = question(talk)
        lead = bridge(talk) if talk.rng.random() < 0.2 or not number else "[||||And |Okay, |So, ]"
        asked = user_line(talk, one.ask, "ask", lead=lead, question=one.question, slots=one.slots)
        agent_line(talk, "", "answer", one.tell, answers=asked)


def _after(talk: Talk, one: Check) -> None:
    """What may follow an answer: a doubt, a wrong belief, thanks."""
    chance = talk.rng.random()
    if chance < 0.15:
        sure = "[Are you sure?|Really?|Is that right?|Are you certain?|Sure?|Can that be right?|Hmm, is that so?]"
        user_line(talk, sure, "doubt")
        agent_line(talk, "", "confirm", f"{_deal(talk, 'sure')} {one.tell}")
    elif chance < 0.3:
        thought = "I thought it was|I thought|I'd have said|I would say|I was sure it was|My teacher said"
        user_line(talk, f"[Oh, |Really? |Hmm, |Strange, |No, |But |][{thought}] {one.wrong}{_TAIL}.", "doubt")
        agent_line(talk, "", "correct", f"{_deal(talk, 'no')} {one.tell}")
    elif chance < 0.7:
        user_line(talk, _THANKS, "thank")
        more = f" {_deal(talk, 'more')}" if talk.rng.random() < 0.5 else ""
        agent_line(talk, "", "acknowledge", _deal(talk, "thanked") + more)


def quiz(talk: Talk) -> None:
    """The agent asks two or three questions in fixed words; the user answers, rightly or not."""
    start = _deal(talk, "quiz start")
    user_line(
        talk,
        "[ask me something|quiz me a little|I want a quiz|let's play a quiz|let's do a quiz|I'd like to play a quiz|"
        "now you ask me a question|ask me a question|test me|now you ask me|I want you to ask me something][, please|, "
        "Joe|].",
        "ask",
        lead=bridge(talk, question=False),
    )
    for number in range(3 if talk.room() > 3 * _ROUND else 2):
        one, question = fact(talk)
        while not question:
            one, question = fact(talk)
        before = f"{start} {_deal(talk, 'quiz next')}" if number else start
        asked = agent_line(talk, "", "ask", f"{before} {question}".strip(), question=one.question)
        start = _judged(talk, one, asked)
    more = _deal(talk, "more") if talk.room() > _ROUND else ""
    agent_line(talk, more, "close", f"{start} {_deal(talk, 'quiz end')}".strip())


def _judged(talk: Talk, one: Check, asked: int) -> str:
    """The user's answer to the agent's question, corrected where it is wrong; gives what the agent goes on with."""
    chance = talk.rng.random()
    said = f"[[I'd say|I think it's|It's|Maybe|I believe it's||||] {{said}}[, right?|{_TAIL}.|.|?]|Is it {{said}}?]"
    if chance < 0.65:
        easy = "[|||Easy. |I know that one. |That's easy. |Hmm. |Oh, I know. ]"
        user_line(talk, f"{easy}{said}", "answer", answers=asked, slots={"said": one.bare})
        return _deal(talk, "quiz right")
    if chance < 0.88:
        user_line(talk, f"[|||Hmm. |Oh. |That's hard. ]{said}", "guess", slots={"said": one.wrong})
        told = f"{_deal(talk, 'no')} {one.tell}"
    else:
        idea = "[Oh, |Hmm, |Sorry, |No idea, |][I don't know|I have no idea|I forgot|I'm not sure]"
        user_line(talk, f"{idea}{_TAIL}.", "guess")
        told = f"{_deal(talk, 'quiz unknown')} {one.tell}"
    agent_line(talk, "", "correct", told, answers=asked)
    user_line(
        talk, "[Ah, of course.|Oh, I knew that!|Hmm, okay.|Oh no.|I see.|Right, yes.|{ok}.|Oh, {thanks}.]", "react"
    )
    return ""


def chat(talk: Talk) -> None:
    """One to three things people ask an assistant about itself; the agent asks back and takes up what it hears."""
    for number in range(3):
        if number and talk.room() < _ROUND:
            break
        one = talk.deal("basics chat", phrases("basics")["chat"])
        user_line(talk, _with_tail(one["ask"]), "ask", lead=bridge(talk, question=one["ask"].endswith("?")))
        say = talk.deal(one["ask"], one["say"])
        if "back" not in one:
            agent_line(talk, "", "answer", say)
            if talk.room() > _ROUND and talk.rng.random() < 0.4:
                user_line(
                    talk, "[Oh, I see.|{ok}.|Ha, nice.|Really?|That's funny.|{wow}.|Okay then.|Good to know.]", "react"
                )
                agent_line(talk, _deal(talk, "invite"), "acknowledge")
            continue
        agent_line(talk, one["back"], "answer", say)
        _replied(talk, one)


def _replied(talk: Talk, one: dict[str, Any]) -> None:
    """The user's answer to what the agent asked back, and what the agent says to it."""
    reply, reactions = talk.deal(one["ask"] + " replies", one["replies"])
    user_line(talk, _with_tail(reply), "answer")
    more = _deal(talk, "more") if talk.rng.random() < 0.3 else ""
    agent_line(talk, more, "react", talk.deal(one["ask"] + " reactions", reactions))


def _with_tail(template: str) -> str:
    """The alternatives of a template of `facts/basics.json`."""
    return f"[{template.replace('{tail}', _TAIL)}]"


def open_narrow(talk: Talk) -> None:
    """Greetings of which the agent's come from the closed set; ends with the agent."""
    hello = "[Hello|Hi|Hi there|Good morning|Good evening|Hey|Hello there|Good day|Hey there]"
    chance = talk.rng.random()
    if chance < 0.6:
        call = "[It's {name}.|This is {name}.|{name} here.|Nice to meet you.|I'm {name}.|I have a question.|||]"
        user_line(talk, f"{hello}[, Joe||]. {call}", "greet")
    elif chance < 0.8:
        hear = "[Can you hear me?|Are you there?|Is anybody there?|Do you hear me?|Is this on?|Can you hear me now?]"
        user_line(talk, f"{hello}[, Joe||]. {hear}", "greet")
        talk.put("agent", _deal(talk, "hear"), "greet")
        return
    talk.put("agent", _deal(talk, "greetings"), "greet")


def close_narrow(talk: Talk) -> None:
    """Farewells of which the agent's come from the closed set."""
    talk.topic = ""
    offered = talk.lines[-1].text.endswith(("question?", "else?", "know?"))
    leave = (
        "[that's all[ for now| for today|]|that was all|I have to go[ now|]|I should get going|I'd better stop "
        "here|that's it from me|I have no more questions|that's everything|[dinner's ready|my bus is here|{kin} is "
        "calling me|it's getting late|there's somebody at the door|I have to meet {friend}]]"
    )
    start = (
        "[No, |No, {thanks}, |No, that's fine, |Not now, ]" if offered else "[{thanks}, |Okay, |All right, |Well, |]"
    )
    if talk.lines[-1].text in fixed("cut off"):
        start = "[Oh, it's nothing, |Never mind, |Sorry, |Oh, sorry, ]"
    bye = "[Bye.|See you.|Goodbye.|Bye bye.|Talk to you later.|Good night.|Bye, Joe.|See you tomorrow.||]"
    user_line(talk, f"{start}{leave}[, Joe||]. {bye}", "close")
    talk.put("agent", _deal(talk, "farewells"), "close")


SCENES = (ask, ask, quiz, chat)
QUESTIONS = (ask_plainly,)
SUMS = (ask_sums,)
