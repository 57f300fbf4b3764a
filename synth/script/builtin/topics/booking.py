"""Appointments and bookings: tables, dentists, tickets, rooms; moving one; reminders."""

from __future__ import annotations

import datetime

from ..behaviours import Barge
from ..spoken import DAYS, cardinal, clock, count, date, day_part, money, ordinal, spelled
from ..stage import Memo
from ..tables import phrases, table
from ..talk import Talk

_REASON = (
    "[|||[My cousins are|{friend} is|My old school friends are] [visiting|in town|coming to {home}], and [we want "
    "to do something nice|I said I'd organise it|nobody has planned anything yet]. |We've been putting this off for "
    "[weeks|months], so let's do it now. |{kin} asked me to [arrange something|take care of this]. ]"
)


def _day_words(talk: Talk, day: datetime.date) -> str:
    """How people name a day: tomorrow, Friday, Friday the third, the third of May."""
    ahead = (day - talk.today).days
    if ahead == 1:
        return "tomorrow"
    weekday = DAYS[day.weekday()]
    if ahead < 7:
        return talk.rng.choice((weekday, f"this {weekday}", weekday))
    return talk.rng.choice((f"{weekday} the {ordinal(day.day)}", date(day), date(day, weekday=False)))


def _on(words: str) -> str:
    """With its preposition: "on Friday", "tomorrow", "this Friday"."""
    return words if words == "tomorrow" or words.startswith("this ") else f"on {words}"


def book(talk: Talk) -> None:
    """A booking from the wish to the confirmation, with a taken slot, questions on the side and changes of mind."""
    kind = talk.deal("bookings", phrases("bookings"))
    place = talk.deal(f"at {kind['thing']}", kind["at"])
    event = talk.grammar.expand(kind["event"], {})
    people = talk.rng.randint(*kind["people"])
    day = talk.today + datetime.timedelta(days=talk.rng.randint(1, 16))
    minutes = talk.rng.randrange(kind["hours"][0] * 2, kind["hours"][1] * 2) * 30
    on, at = _on(_day_words(talk, day)), clock(minutes, plain=talk.rng.random() < 0.4)
    at_or_to = "to" if "train" in kind["thing"] else "at"
    slots = {"thing": kind["thing"], "place": place, "on": on, "at": at, "to": at_or_to, "event": event}
    _wish(talk, people, kind["people"][1] > 1, slots)
    minutes = _agree_on_time(talk, minutes, kind["hours"], slots)
    for question, answer, noted in talk.deal_many(f"extras {place}", kind["extras"], 1 if talk.room() < 110 else 2):
        if talk.room() > 70:
            talk.agent(question, "ask")
            talk.user(answer, "answer")
            slots["noted"] = talk.grammar.expand(noted, talk.slots) + " "
    if talk.room() > 75:
        _name(talk, slots)
    cents = talk.rng.randint(*kind["price"]) * 100
    day = _summary(talk, day, people, cents, slots)
    ref = f"the {event} {at_or_to} {place}" if at_or_to == "to" else f"the {event} at {place}"
    part = "" if slots["at"].endswith("o'clock") else f" {day_part(minutes)}"
    talk.memos.append(
        Memo(
            "event",
            ref,
            "[what time is|what time did we say for|when exactly is] {ref}[ again|]?".replace("{ref}", ref),
            f"[It's|That's|We said] <{slots['at']}>{part}, {slots['on']}.",
            place=place,
            day=day,
            minutes=minutes,
            cents=cents or None,
            people=people if people > 1 else None,
        )
    )


def _wish(talk: Talk, people: int, group: bool, slots: dict[str, str]) -> None:
    """The user asks for it; what was left open is asked."""
    who = f" for {count(people, 'person')}" if group and people > 1 else ""
    told = talk.rng.random() < 0.5
    day_told = talk.rng.random() < 0.5
    talk.user(
        "{lead}"
        + talk.grammar.expand(_REASON if group else "", talk.slots)
        + "[{could_you} book {thing} {to} {place}{who}{day}?|{i_want} book {thing} {to} {place}{who}{day}.|I need "
        "{thing} {to} {place}{who}{day}.|can I get {thing} {to} {place}{who}{day}?]",
        "ask",
        who=who if told else "",
        day=f" {slots['on']}" if day_told else "",
        **{key: slots[key] for key in ("thing", "place", "to")},
    )
    if who and not told:
        talk.agent("[{sure}. For|Gladly. For] [how many people|how many]?", "ask")
        talk.user(
            "[{number}|There'll be {number} of us|For {number}|Let me count. {number}][, please|].",
            "answer",
            number=cardinal(people),
        )
    if not day_told:
        talk.agent("{sure}. [Which day|What day|When] [would you like|were you thinking of|suits you]?", "ask")
        talk.user("[{on}, if possible|How about {on}|Let's say {on}|{on}, please].", "answer", on=slots["on"])
    talk.agent(
        "[{great}|{ok}]. [What time|And at what time|Around what time] [would suit you|shall I try|would you like]?",
        "ask",
    )


def _agree_on_time(talk: Talk, minutes: int, hours: list[int], slots: dict[str, str]) -> int:
    """The wished time, or one of two free ones next to it. Updates `at`; gives the minutes after midnight."""
    talk.user(
        "[{at}|At {at}, please|Around {at}|{at} would be perfect|Something like {at}][, if they have it|].",
        "answer",
        at=slots["at"],
    )
    if talk.rng.random() < 0.5:
        return minutes
    earlier, later = minutes - talk.rng.choice((30, 45, 60)), minutes + talk.rng.choice((30, 45, 60, 90))
    first, second = clock(earlier), clock(later)
    talk.agent(
        "[I'm afraid {at} is taken|They're full at {at}|{at} is gone already, sorry], but [they have|there's still "
        "something at|I could get you] <{first}> or <{second}>.",
        "offer",
        at=slots["at"],
        first=first,
        second=second,
        barge=Barge(
            "[Oh, that's a pity. Nothing at {at} at all?|Not even at the bar?|Really? Nothing at {at}?]",
            "[No, I'm sorry.|I'm afraid not.|No, fully booked.]",
        ),
    )
    chosen, words = talk.rng.choice(((earlier, first), (later, second)))
    talk.user("[Then|Okay,|Hmm,|In that case] {words}[, please| is fine| works for me].", "answer", words=words)
    slots["at"] = words
    return chosen


def _name(talk: Talk, slots: dict[str, str]) -> None:
    """Under which name, and how it is spelled."""
    name = talk.deal("surnames", [row[0] for row in table("surnames")])
    talk.agent("{noted}[Under|And under|In] [what|which] name[, please|]?", "ask", noted=slots.pop("noted", ""))
    talk.user("[{surname}|{first} {surname}|It's {surname}].", "answer", surname=name, first=talk.user_name)
    if talk.rng.random() < 0.5:
        talk.agent("[How do you spell that?|Could you spell that for me?|Is that spelled the usual way?]", "ask")
        talk.user("[Sure,||Yes,] <{letters}>.", "answer", letters=spelled(name))
    slots["name"] = name


def _summary(talk: Talk, day: datetime.date, people: int, cents: int, slots: dict[str, str]) -> datetime.date:
    """The booking in one sentence; the user may barge in to move it. Gives the day it ends up on."""
    moved = day + datetime.timedelta(days=talk.rng.randint(1, 3))
    new_on = _on(_day_words(talk, moved))
    who = f", for {count(people, 'person')}" if people > 1 else ""
    price = ""
    if cents:
        each = " each" if people > 1 and slots["thing"] not in ("a tennis court", "a hotel room") else ""
        per = (
            " a night"
            if slots["thing"] == "a hotel room"
            else " an hour"
            if slots["thing"] == "a tennis court"
            else each
        )
        price = f" [It's|That's] <{money(cents)}>{per}."
    name = f", under the name {slots.pop('name')}" if "name" in slots else ""
    text = (
        "So that's {thing} {to} {place}, {when} at <{at}>"
        + who
        + name
        + "."
        + price
        + " [Shall I confirm it?|Is that right?|All correct?]"
    )
    lead = slots.pop("noted", "")
    change = Barge(
        "[Actually, make that {new}|Oh, wait, can we do it {new}|Sorry, {kin} just told me we can't. Could it be "
        "{new}], [please|same time].",
        "[Sure, no problem.|Of course.|Let me see. Yes, that's free as well.]",
        text.replace("{when}", "<{new}>"),
    )
    talk.agent(
        lead + text.replace("{when}", "<{on}>"),
        "confirm",
        barge=change,
        new=new_on,
        **{key: slots[key] for key in ("thing", "place", "to", "on", "at")},
    )
    if talk.taken is change:
        day, slots["on"] = moved, new_on
    talk.user(
        "[Yes, please.|That's right, thank you.|Perfect, yes.|Yes, go ahead.|Sounds right to me.|Exactly.]", "confirm"
    )
    booking = next(one for one in phrases("bookings") if one["thing"] == slots["thing"])
    talk.agent(
        "[Done|It's booked|All set|You're all set|That's confirmed]. [{advice}.|{advice}, by the way.|]",
        "inform",
        advice=talk.deal(f"advice {slots['place']}", booking["advice"]),
    )
    return day


def move(talk: Talk) -> None:
    """An existing appointment has to be moved; the reason, the new time, what it costs."""
    thing = talk.deal(
        "moved",
        (
            "dentist appointment",
            "driving lesson",
            "piano lesson",
            "meeting with the landlord",
            "eye test",
            "appointment at the bank",
            "school meeting",
            "job interview",
            "physio appointment",
        ),
    )
    old_day = talk.today + datetime.timedelta(days=talk.rng.randint(1, 5))
    new_day = old_day + datetime.timedelta(days=talk.rng.randint(1, 7))
    old, new = _on(_day_words(talk, old_day)), _on(_day_words(talk, new_day))
    at = clock(talk.rng.randrange(18, 34) * 30)
    talk.user(
        "{lead}[I have to move my {thing}|I can't make my {thing} {old}|something came up, and I need to change my "
        "{thing}].",
        "ask",
        thing=thing,
        old=old,
    )
    talk.agent(
        "[No problem|That happens|Sure], [that's easily done|I can do that for you|let's have a look]. [It's {old} "
        "at the moment, right?|You mean the one {old}?|That's the one {old}, isn't it?]",
        "ask",
        old=old,
    )
    talk.user(
        "[{yes}. {reason}.|Yes, and {reason}.]",
        "answer",
        reason=talk.deal(
            "reasons",
            (
                "my car is in the garage",
                "I have to pick up my son",
                "they want me at work that day",
                "I forgot that it's my mum's birthday",
                "the plumber is coming",
                "I've got a cold",
            ),
        ),
    )
    talk.agent(
        "[I see|{ok}]. [The next free time would be|They could offer you|I could move it to] <{new_bare}> at <{at}>.",
        "offer",
        new_bare=new.removeprefix("on "),
        at=at,
    )
    talk.user(
        "[That works|Good for me|Let me think. Yes, that works|Yes, I can do that]. [Is there a fee?|Does it cost "
        "anything to move it?|Do I have to tell them myself?]",
        "confirm",
    )
    talk.agent(
        "[No, that's all taken care of|No, don't worry, they've confirmed already|No, not at all]. [I've "
        "put it in your calendar.|You'll get a message in a minute.|I'll remind you the evening before.]",
        "answer",
    )
    talk.memos.append(
        Memo(
            "event",
            f"my {thing}",
            f"when is my {thing} now?",
            f"[We moved it to|It's] <{new.removeprefix('on ')}> at <{at}>.",
            day=new_day,
        )
    )


def remind(talk: Talk) -> None:
    """A reminder or an alarm: what for, when, once more to be sure."""
    what = talk.deal(
        "reminders",
        (
            "call the landlord",
            "take the bread out of the oven",
            "water the tomatoes",
            "pick up the parcel",
            "feed the neighbour's cat",
            "renew my passport",
            "bring back the library books",
            "cancel the newspaper",
            "buy stamps",
            "take my tablets",
            "put the bins out",
            "wish {friend} a happy birthday",
        ),
    )
    what = what.replace("{friend}", talk.friends[0])
    minutes = talk.rng.randrange(14, 42) * 30
    at, part = clock(minutes), day_part(minutes)
    day = talk.today + datetime.timedelta(days=talk.rng.randint(1, 6))
    on = _on(_day_words(talk, day))
    talk.user(
        "{lead}[{could_you} remind me to {what}?|can you make sure I don't forget to {what}?|I keep forgetting to "
        "{what}. Can you help?]",
        "ask",
        what=what,
    )
    talk.agent("{sure}. [When should I remind you?|When would be good?|At what time?]", "ask")
    talk.user("[{on} at {at}|Let's say {on}, around {at}|{on}, {at} should do].", "answer", on=on, at=at)
    talk.agent("[Just to be sure,|Okay,] {on} at <{at}> {part}[, is that right|, yes]?", "ask", on=on, at=at, part=part)
    if talk.rng.random() < 0.3:
        at = clock(minutes + 30)
        talk.user("[Actually, make it <{at}>|Hmm, a bit later, <{at}>|No wait, <{at}> is better].", "answer", at=at)
        talk.agent(
            "[No problem|{ok}], <{at}> it is. [I'll remind you.|Anything else you keep forgetting?|It's in.]",
            "confirm",
            at=at,
        )
    else:
        talk.user("{yes}. [And make it loud|I never hear the first one|Thank you|You're saving my week].", "confirm")
        talk.agent("[I'll be loud and clear|I've set it|It's in the list|Consider it done].", "confirm")
    talk.memos.append(
        Memo(
            "event",
            f"the reminder to {what}",
            "when will you remind me to {what}?".replace("{what}", what),
            f"[I'll remind you|That's] {on} at <{at}>.",
            day=day,
        )
    )


SCENES = (book, book, move, remind)
