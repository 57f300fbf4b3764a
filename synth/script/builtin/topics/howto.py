"""Recipes and other how-to steps, one step at a time, with questions about the amounts and the odd missing thing."""

from __future__ import annotations

from typing import Any

from ..behaviours import Barge
from ..spoken import cardinal, count, duration, listed
from ..stage import Memo
from ..tables import phrases
from ..talk import Talk

_NEXT = (
    "[{ok}. What's next?|Done. And then?|Okay, that's done.|All right, go on.|Right. And now?|That was easy. "
    "Next?|Okay, I've got that.|Done. What now?]"
)


_OCCASION = (
    "[||||[{friend} is|My parents are|Some friends are] [coming over|coming for dinner|staying with us] "
    "[tonight|tomorrow|at the weekend], and I promised to cook. |I'm [bored of|tired of] eating the same thing "
    "every [day|week]. |I've got a [free evening|whole afternoon] and a full fridge. |{kin} has been "
    "asking for [something new|a proper meal] all week. ]"
)


def _amount(quantity: int, unit: str, item: str) -> str:
    """As in "two cups of flour", "three eggs"."""
    if not unit:
        return count(quantity, item)
    return f"{count(quantity, unit)} of {item}"


def _much(item: str) -> str:
    return "many" if item.endswith("s") else "much"


def recipe(talk: Talk) -> None:
    """A recipe for the people there are: what is needed, the steps, a swap, a question back about an amount."""
    one = talk.deal("recipes", phrases("recipes"))
    dish, times = one["dish"], talk.rng.choice((1, 1, 1, 2))
    people = one["serves"] * times
    amounts = [(_amount(quantity * times, unit, item), item) for quantity, unit, item in one["ingredients"]]
    talk.user(
        "{lead}"
        + talk.grammar.expand(_OCCASION, talk.slots)
        + "[how do I make {dish}?|can you walk me through {dish}?|I'd like to make {dish} tonight. Can you "
        "help?|I've never made {dish} before. How does it work?|what do I need for {dish}?]",
        "ask",
        dish=dish,
    )
    talk.agent(
        "{sure}. [For how many people?|How many people are you cooking for?|How many are you?]"
        if one["serves"] < 8
        else "{sure}. [The usual amount?|One normal batch, or a big one?|Is it for a lot of people?]",
        "ask",
    )
    if one["serves"] < 8:
        talk.user(
            "[{number}, I think|There are {number} of us|For {number}][, so not too little|]."
            if people > 1
            else "[Only me|Just for me|One, only myself].",
            "answer",
            number=cardinal(people),
        )
    else:
        talk.user(
            "[A normal one is fine.|Just the usual.|One batch, please.]"
            if times == 1
            else "[A big one, we've got guests.|Twice the usual, please.|Double, I think.]",
            "answer",
        )
    talk.agent(
        "[Then you need|You'll need|All right, get] "
        + listed([f"<{amount}>" for amount, _ in amounts])
        + ". [The rest is just salt, oil and things like that.|Have you got all that?|It takes {time} [in "
        "all|altogether].]",
        "inform",
        time=duration(one["minutes"]),
    )
    _ready(talk, one)
    _steps(talk, one, amounts)
    talk.agent(
        "[And that's it|That's all there is to it|And you're done]. [One tip, {tip}.|By the way, {tip}.|Oh, and "
        "{tip}.|]",
        "inform",
        tip=one["tip"],
        loose=True,
    )
    amount, item = talk.rng.choice(amounts)
    talk.memos.append(
        Memo(
            "recipe",
            f"the {dish}",
            f"how {_much(item)} {item} was it for the {dish}?"
            if one["ingredients"][[i for _, i in amounts].index(item)][1]
            else f"how many {amount.split(' ', 1)[1] if ' ' in amount else item} did I need for the {dish}?",
            f"[You need|It's|That was] <{amount}>.",
            minutes=one["minutes"],
            people=people,
        )
    )


def _ready(talk: Talk, one: dict[str, Any]) -> None:
    """Something is missing and replaced, or everything is there."""
    missing, instead = one["swap"]
    if talk.rng.random() < 0.45:
        talk.user(
            "[I don't have any {missing}|I'm out of {missing}|There's no {missing} left in the house]. [Can I use "
            "something else?|Is that a problem?|What can I take instead?]",
            "ask",
            missing=missing,
        )
        talk.agent(
            "[Then take|You can use|No problem, try] <{instead}> [instead|, that works too|, nobody will notice].",
            "answer",
            instead=instead,
        )
        talk.user(
            "[Good, I have that|Great, let's start|Perfect, I'm ready]. [What do I do first?|How do I start?|Go on.]",
            "ask",
        )
    else:
        talk.user(
            "[I think I have everything|All there|Okay, it's all on the table|I've got that]. [What do I do "
            "first?|Where do I start?|And now?]",
            "ask",
        )


def _chunks(talk: Talk, steps: list[str]) -> list[str]:
    """The steps joined into lines of one to three, longer ones for people in a hurry or where room is short."""
    limit = talk.rng.choice((0, 20, 30, 40))
    if sum(len(step.split()) + 9 for step in steps) > talk.room():
        limit = 40
    chunks: list[str] = []
    for number, step in enumerate(steps):
        text = step[0].lower() + step[1:]
        if chunks and len(f"{chunks[-1]} {text}".split()) + 3 <= limit:
            chunks[-1] += f". {{next}}, {text}"
        else:
            chunks.append(("{next}, " if number else "[First|To start|First of all|To begin], ") + text)
    return chunks


def _steps(talk: Talk, one: dict[str, Any], amounts: list[tuple[str, str]]) -> None:
    """All steps; in between the user asks for an amount."""
    asked = False
    chunks = _chunks(talk, one["steps"])
    for number, chunk in enumerate(chunks):
        talk.agent(f"{chunk}.", "instruct")
        if number == len(chunks) - 1:
            talk.user(
                "[{ok}, that smells good already.|Done. Is that all?|And that's it?|[Ha|Nice|Well], that wasn't hard.]",
                "react",
            )
            return
        if not asked and talk.room() > 70 and talk.rng.random() < 0.5:
            asked = True
            amount, item = talk.rng.choice(amounts)
            question = "[Was it {amount}?|Sorry, I need {amount}, right?]"
            if " of " in amount:
                question = (
                    "[Sorry, how {much} {item} was that again?|Wait, what was the amount of {item}?|Was it really "
                    "{amount}?]"
                )
            talk.user(question, "ask", item=item, amount=amount, much=_much(item))
            talk.agent("[Yes, <{amount}>.|<{amount}>, that's right.|<{amount}>, yes.]", "answer", amount=amount)
        talk.user(_NEXT, "acknowledge")


def task(talk: Talk) -> None:
    """Steps of a household task, a worry on the way, how to see that it worked."""
    one = talk.deal("tasks", phrases("tasks"))
    talk.user(
        "{lead}[|||I want to surprise {kin}, so |my neighbour offered to do it, but I'd rather learn it myself. So "
        "|I watched {friend} do it once, but I've forgotten everything. So ][how do I {task}?|can you explain how "
        "to {task}?|{i_want} {task}, but I don't know how.|what's the best way to {task}?]",
        "ask",
        task=one["task"],
    )
    talk.agent(
        "{sure}. [You need|First get|You'll want to have] {tools}. [Have you got that?|Is all that in the "
        "house?|Tell me when you're ready.]",
        "ask",
        tools=listed(one["tools"]),
    )
    talk.user("[Yes, it's all here.|I think so. Ready.|Give me a second. Okay, got it.|Yes, go ahead.]", "answer")
    worried = False
    chunks = _chunks(talk, one["steps"])
    again = "[Wait, wait, one thing at a time.|Hang on, I only have two hands.|Sorry, a bit slower, please.]"
    for number, chunk in enumerate(chunks):
        alone = f"[Just this,|Only this for now,] {chunk.partition(', ')[2]}."
        barge = None if ". " in chunk else Barge(again, "[Sorry.|Okay, slowly.|Of course.]", alone)
        talk.agent(f"{chunk}.", "instruct", barge=barge)
        if number == len(chunks) - 1:
            break
        if not worried and talk.room() > 60 and talk.rng.random() < 0.4:
            worried = True
            talk.user(
                "[What if {worry}?|Hmm, and if {worry}?|But what do I do if {worry}?]", "ask", worry=one["worry"][0]
            )
            talk.agent(
                f"{one['worry'][1]}. [Shall we go on?|Ready for the next step?|Are you still with me?]", "answer"
            )
            talk.user("[Yes, go on.|Okay, next.|Yes, I'm ready.|Sure.]", "acknowledge")
        else:
            talk.user(_NEXT, "acknowledge")
    talk.user(
        "[How do I know that it worked?|And how can I tell if it's right?|How will I know I did it properly?]", "ask"
    )
    talk.agent(
        "[Easy,|You'll see,|Simple,] {check}. [|Let me know how it goes.|You can call me if it didn't work.]",
        "answer",
        check=one["check"],
    )
    talk.memos.append(
        Memo(
            "task",
            f"the way to {one['task']}",
            f"what did I need to {one['task']}?",
            f"[You need|That was] {listed(one['tools'])}.",
        )
    )


SCENES = (recipe, task)
