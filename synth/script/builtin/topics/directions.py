"""Directions: on foot and by car through streets made up for the dialogue, and by bus or train."""

from __future__ import annotations

from ..behaviours import Barge
from ..spoken import cardinal, clock, count, duration, ordinal
from ..stage import Memo
from ..tables import table
from ..talk import Talk

_GOALS = (
    "the railway station",
    "the hospital",
    "the city museum",
    "the library",
    "the covered market",
    "the new cinema",
    "the castle",
    "the swimming pool",
    "the concert hall",
    "the tourist office",
    "the botanical garden",
    "the ferry terminal",
    "the sports centre",
    "the old cemetery",
    "the flea market",
    "the art school",
    "the police station",
    "the town archive",
    "the ice rink",
    "the university",
)


def _goal(talk: Talk) -> tuple[str, str]:
    """Where to, and how the request refers back when the place was booked before."""
    for memo in reversed(talk.memos):
        if memo.kind == "event" and memo.place and "train" not in memo.ref and f"goal {memo.place}" not in talk.slots:
            talk.slots[f"goal {memo.place}"] = ""
            return memo.place, f"for {memo.ref}"
    return talk.deal("goals", _GOALS), ""


def _legs(talk: Talk, number: int) -> list[tuple[str, str, str]]:
    """Steps of a route: what to do, its turn ("left at the bakery") and its landmark."""
    legs = []
    for _ in range(number):
        street = talk.deal("streets", [row[0] for row in table("streets")])
        mark = talk.deal("landmarks", [row[0] for row in table("landmarks")])
        side = talk.rng.choice(("left", "right"))
        nth = ordinal(talk.rng.randint(1, 3))
        step, turn = talk.rng.choice(
            (
                (f"[turn|go] <{side} at the {mark}> [into|onto] {street}", f"{side} at the {mark}"),
                (f"take the <{nth} street on the {side}>, [that's|it's called] {street}", f"the {nth} on the {side}"),
                (
                    f"[follow|walk along] {street} [until you see|as far as|until you reach] the <{mark}>",
                    f"straight on to the {mark}",
                ),
                (
                    f"[cross|go over] {street} [at the lights|at the crossing] and [keep|bear] <{side}>",
                    f"{side} after {street}",
                ),
                (
                    f"go [straight on|straight ahead] past the <{mark}>[ and a row of shops||, you can't miss it]",
                    f"straight past the {mark}",
                ),
            )
        )
        legs.append((talk.grammar.expand(step, {}), turn, mark))
    return legs


def walk(talk: Talk) -> None:
    """The way on foot, step by step, repeated back by the user, rightly or not."""
    goal, ref = _goal(talk)
    minutes = talk.rng.randint(4, 25)
    legs = _legs(talk, 4 if talk.room() > 130 else 3)
    start = talk.deal("starts", [row[0] for row in table("landmarks")])
    back = f"{ref} we talked about, " if ref else ""
    talk.user(
        "{lead}{back}[how do I get to {goal} [on foot|from here]?|what's the [best|quickest] way to {goal}?|can you "
        "tell me the way to {goal}?]",
        "ask",
        goal=goal,
        back=back,
    )
    talk.agent("{sure}. [Where are you now?|Where are you starting from?|What can you see around you?]", "ask")
    talk.user("[I'm|I'm standing|Right now I'm] [in front of|next to|opposite] the {start}.", "answer", start=start)
    text = "[Good|Right|Okay], [then|from there] {first}. {next} {second}."
    talk.agent(
        text,
        "inform",
        first=legs[0][0],
        second=legs[1][0],
        barge=Barge(
            "[Wait, which way at the start?|Hang on, what was the first bit?|Sorry, where do I turn first?]",
            "[First it's {turn}.|The first thing is {turn}.]".replace("{turn}", legs[0][1]),
        ),
    )
    talk.user(
        "[Okay, {turn}. And then?|Right. And after that?|Got it so far.|I'm with you. What's next?]",
        "acknowledge",
        turn=legs[0][1],
    )
    if len(legs) > 3 and talk.rng.random() < 0.5:
        third = legs[2][1]
        talk.agent("{next} {third}.", "inform", third=legs[2][0])
        legs[2:3] = []
        talk.user("[{ok}.|{third}, fine.|And then I'm there?|Okay, I know that corner.]", "acknowledge", third=third)
    also = f"{{next}} {legs[2][0]}. " if len(legs) > 3 else ""
    talk.agent(
        also
        + "[{next}|Finally,|And then] {last}. {goal} [is|will be] [right there|on your left|on your right|straight "
        "in front of you][, next to the {mark}|].",
        "inform",
        last=legs[-1][0],
        goal=goal,
        mark=talk.deal("landmarks", [row[0] for row in table("landmarks")]),
    )
    _repeat_back(talk, [leg[1] for leg in legs])
    if talk.room() > 45:
        talk.user(
            "[How long does that take?|Is it far?|How far is that, roughly?|Will I make it in ten minutes?]", "ask"
        )
        talk.agent(
            "[About|Roughly|Around] <{time}>[ on foot||, if you don't stop for coffee].",
            "answer",
            time=count(minutes, "minute"),
        )
    talk.memos.append(
        Memo(
            "route",
            f"the walk to {goal}",
            f"how long was the walk to {goal}[ again|]?",
            f"[About|Around|Roughly] <{count(minutes, 'minute')}>.",
            place=goal,
            minutes=minutes,
        )
    )


def _repeat_back(talk: Talk, turns: list[str]) -> None:
    """The user sums the route up; a slip is corrected."""
    if talk.rng.random() < 0.45:
        if turns[0].startswith(("left", "right")) and talk.rng.random() < 0.5:
            wrong = ("right" if turns[0].startswith("left") else "left") + turns[0][turns[0].index(" ") :]
            talk.user("So it's {wrong}, and then {second}[, right|, yes]?", "ask", wrong=wrong, second=turns[1])
            talk.agent(
                "[Almost|Not quite|Careful], it's <{first}>, [and then {second}|the rest is right].",
                "correct",
                first=turns[0],
                second=turns[1],
            )
            return
        talk.user(
            "[So|Let me repeat that]. {first}, then {second}, and {last}[. Is that it?|, right?]",
            "ask",
            first=turns[0],
            second=turns[1],
            last=turns[-1],
        )
        talk.agent("[Exactly|That's it|Perfect|You've got it]. [Enjoy the walk.|You can't go wrong.|]", "confirm")
        return
    talk.user(
        "{thanks}. [I think I've got that|That doesn't sound too hard|I'll ask again if I get lost|I'll write that "
        "down].",
        "thank",
    )
    talk.agent(
        "{welcome}. [It's easier than it sounds.|Just follow the signs if in doubt.|Call me if you get lost.]", "close"
    )


def transit(talk: Talk) -> None:
    """By bus, tram or train: the line, where to change, when the next one goes, the last one back."""
    goal, ref = _goal(talk)
    back = f"{ref} we talked about, " if ref else ""
    vehicle = talk.rng.choice(("bus", "tram", "bus"))
    line = talk.rng.randint(2, 59)
    soon = talk.rng.randint(3, 18)
    talk.user(
        "{lead}{back}[how do I get to {goal} by public transport?|is there a bus to {goal}?|I don't want to walk. "
        "How do I get to {goal}?|which line goes to {goal}?]",
        "ask",
        goal=goal,
        back=back,
    )
    talk.agent(
        "[You can take|Take|The easiest is] <the number {line} {vehicle}>[, it goes from the stop on {street}|, "
        "from {street}].",
        "answer",
        line=cardinal(line),
        vehicle=vehicle,
        street=talk.deal("streets", [row[0] for row in table("streets")]),
    )
    talk.user(
        "[Do I have to change?|Does it go all the way?|Is it direct?|Okay. Does that one go straight there?]", "ask"
    )
    _change(talk, line)
    talk.agent(
        "In [about |]<{soon}>, at {at}. [They run every {every}.|After that there's one every {every}.|]",
        "answer",
        soon=count(soon, "minute"),
        at=clock(talk.now + soon, plain=True),
        every=duration(talk.rng.choice((10, 12, 15, 20, 30))),
    )
    _last_one(talk, goal, vehicle, line)


def _change(talk: Talk, line: int) -> None:
    """Whether and where to change; ends with the user asking for the next one."""
    stops = talk.rng.randint(3, 12)
    change = talk.deal("streets", [row[0] for row in table("streets")])
    if talk.rng.random() < 0.5:
        other = talk.rng.randint(60, 99)
        talk.agent(
            "[I'm afraid you have to change|You have to change|No, you change once]. You get off at <{change}>, "
            "[that's {stops}|after {stops}], and [take|get on] the <number {other}> [there|for the last bit].",
            "answer",
            change=change,
            stops=count(stops, "stop"),
            other=cardinal(other),
            barge=Barge(
                "[Wait, where do I get off?|Hang on, how many stops?|Sorry, which stop was that?]",
                "[{change}, {stops} from here.|After {stops}, it's called {change}.]",
            ),
        )
        talk.user(
            "[So first the {line}, then the {other}|The {line}, and then the {other}]. [And when does the next one "
            "leave?|When's the next one?]",
            "ask",
            line=cardinal(line),
            other=cardinal(other),
        )
    else:
        talk.agent(
            "[Don't worry, it goes straight there|It's direct, so just stay on]. [It's <{stops}>, and you get off "
            "at {change}|You get off at {change}, after <{stops}>].",
            "answer",
            stops=count(stops, "stop"),
            change=change,
        )
        talk.user(
            "[{ok}. When does the next one leave?|And the next one is when?|Do you know when the next one comes?]",
            "ask",
        )


def _last_one(talk: Talk, goal: str, vehicle: str, line: int) -> None:
    """When the last one goes back, where there is room for it."""
    if talk.room() > 45:
        last = talk.rng.randrange(22 * 4, 24 * 4) * 15
        talk.user(
            "[And when does the last one go back?|How late can I come back?|Is there still one late in the evening?]",
            "ask",
        )
        talk.agent(
            "[The last one|The last {vehicle} back] [leaves|goes] at <{last}>[, so don't miss it||, from the same "
            "stop].",
            "answer",
            vehicle=vehicle,
            last=clock(last),
        )
        talk.memos.append(
            Memo(
                "route",
                f"the last {vehicle} back",
                f"when did you say the last {vehicle} goes?",
                f"[At|It goes at] <{clock(last)}>.",
                place=goal,
            )
        )
    else:
        talk.memos.append(
            Memo(
                "route",
                f"the {vehicle} to {goal}",
                f"which number was the {vehicle} to {goal}?",
                f"[It's the|The] <number {cardinal(line)}>.",
                place=goal,
            )
        )


def drive(talk: Talk) -> None:
    """By car: the road out, the exit, how long it takes, a jam and the way round, parking."""
    town = talk.deal("places", [row[0] for row in table("towns")])
    minutes, delay, exit_ = talk.rng.randrange(4, 24) * 5, talk.rng.randrange(2, 9) * 5, talk.rng.randint(3, 42)
    talk.user(
        "{lead}[I'm driving to {town}. Which way should I go?|how long does it take to drive to {town}?|what's the "
        "traffic like on the way to {town}?]",
        "ask",
        town=town,
    )
    talk.agent(
        "[Normally it's|It usually takes|Without traffic it's] <{time}>, but there's [an accident|a long jam|some "
        "roadwork] near {place}, so [add|count on another] <{delay}>.",
        "answer",
        time=duration(minutes),
        delay=duration(delay),
        place=talk.deal("places", [row[0] for row in table("towns")]),
        barge=Barge(
            "[Oh no, again? How much longer?|Wait, how long is the delay?]", "[About {delay}.|{delay}, at the moment.]"
        ),
    )
    talk.user(
        "[Can I drive around it?|Is there a way round?|That's too long. Any other road?|Hmm. What would you do?]", "ask"
    )
    talk.agent(
        "[Yes,|You can,] [leave|get off] the motorway at <exit {exit}>, [follow|take] the road along the "
        "[river|railway|canal], and [join it again|come back on] after the [tunnel|bridge|second roundabout].",
        "answer",
        exit=cardinal(exit_),
        barge=Barge("[Sorry, which exit?|Wait, what exit was that?]", "[Exit {exit}.|Number {exit}.]"),
    )
    talk.user(
        "[Exit {exit}, okay|{exit}, right]. [And how long is it that way?|Is that really faster?|How much do I save?]",
        "ask",
        exit=cardinal(exit_),
    )
    talk.agent(
        "[You'd need|It's about|Then it's] <{total}>, [so you save|that saves you] {saved}.",
        "answer",
        total=duration(minutes + delay // 2),
        saved=duration(delay - delay // 2),
    )
    if talk.room() > 40:
        talk.user("[And where can I park?|Is there parking in the centre?|What about parking?]", "ask")
        talk.agent(
            "[Behind the {mark}|In the garage under the {mark}|Along {street}], [the first hour is free|it's "
            "cheaper than in the middle|there are usually spaces].",
            "answer",
            mark=talk.deal("landmarks", [row[0] for row in table("landmarks")]),
            street=talk.deal("streets", [row[0] for row in table("streets")]),
        )
    talk.memos.append(
        Memo(
            "route",
            f"the drive to {town}",
            f"which exit was it on the way to {town}?",
            f"[It's|Take] <exit {cardinal(exit_)}>.",
            place=town,
            minutes=minutes + delay // 2,
        )
    )


SCENES = (walk, transit, drive)
