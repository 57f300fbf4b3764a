"""Dates and times, from the day and the hour of the dialogue."""

from __future__ import annotations

import calendar
import datetime

from ..spoken import DAYS, MONTHS, cardinal, clock, count, date, duration, ordinal
from ..stage import Stage
from .check import Check, check


def dates(stage: Stage) -> Check:
    """Weekdays and dates ahead, days until a day, days of a month, and what today is."""
    rng, today = stage.rng, stage.today
    form = stage.deal("dates forms", ("today", "weekday", "ahead", "month", "of", "next"))
    ahead = rng.randint(3, 40)
    day = today + datetime.timedelta(days=ahead)
    if form == "today":
        return check(
            "date",
            date(today),
            "[what's the date today|what day is it today|which date is it today]?",
            "[It's|Today is] <{answer}>.",
            date(today - datetime.timedelta(days=1)),
        )
    if form == "weekday":
        ask = "[what|which] day of the week is <{day}>?"
        return check(
            "date",
            DAYS[day.weekday()],
            ask,
            "[That's a|It's a|It falls on a] <{answer}>[ this year|]."
            if day.year == today.year
            else "[That's a|It falls on a] <{answer}>.",
            DAYS[(day.weekday() + 1) % 7],
            "it's a <{answer}>.",
            day=date(day, weekday=False),
        )
    if form == "ahead":
        ask = "[what date is it|what's the date] in <{span}>?"
        return check(
            "date",
            date(day, weekday=False),
            ask,
            "[In {span} it's|That's|That'll be] <{answer}>[, a {weekday}|].",
            date(day + datetime.timedelta(days=1), weekday=False),
            span=count(ahead, "day"),
            weekday=DAYS[day.weekday()],
        )
    if form == "month":
        ask = "how many days are left until <{day}>, from today?"
        return check(
            "date",
            count(ahead, "day"),
            ask,
            "[From today it's|That's] <{answer}>.",
            count(ahead + 1, "day"),
            day=date(day),
        )
    month = rng.randint(1, 12)
    if form == "of":
        days = calendar.monthrange(today.year, month)[1]
        return check(
            "date",
            cardinal(days),
            f"how many days does {MONTHS[month - 1]} have[ this year|]?",
            f"{MONTHS[month - 1]} has <{{answer}}>[ days|].",
            cardinal(61 - days if days > 29 else 30),
        )
    nth = ordinal(month)
    return check(
        "date",
        MONTHS[month - 1],
        f"[what's|which one is] the {nth} month of the year?",
        f"[That's|The {nth} month is] <{{answer}}>.",
        MONTHS[month % 12],
    )


def times(stage: Stage) -> Check:
    """A time some minutes away, the time between two times, hours in minutes."""
    rng = stage.rng
    start, length = rng.randrange(7 * 12, 20 * 12) * 5, rng.randrange(3, 45) * 5
    at, until = clock(start, plain=True), clock(start + length, plain=True)
    form = stage.deal("times forms", ("after", "between", "now", "back"))
    if form == "after":
        ask = (
            "[if I leave at <{at}> and it takes {length}, when do I get there?|something starts at <{at}> and lasts "
            "{length}. When is it over?]"
        )
        return check(
            "time",
            until,
            ask,
            "[At|That would be at|You'd be looking at] <{answer}>.",
            clock(start + length + 30, plain=True),
            at=at,
            length=duration(length),
        )
    if form == "between":
        return check(
            "time",
            duration(length),
            "how long is it from <{at}> to <{until}>?",
            "[That's|It's] <{answer}>.",
            duration(length + 15),
            at=at,
            until=until,
        )
    if form == "now":
        now = clock(stage.now, plain=True)
        return check(
            "time",
            now,
            "[what time is it|what's the time] [now|right now|, please]?",
            "[It's|It's just|Right now it's] <{answer}>.",
            clock(stage.now + 60, plain=True),
        )
    return check(
        "time",
        at,
        "[I have to be there at <{until}> and it takes {length}. When do I have to leave?|if it takes {length} and "
        "I want to be done at <{until}>, when do I start?]",
        "[At|No later than] <{answer}>.",
        clock(start - 30, plain=True),
        until=until,
        length=duration(length),
    )
