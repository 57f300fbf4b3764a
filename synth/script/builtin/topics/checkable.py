"""Checkable questions in conversation: asked, answered, doubted, misremembered, turned round as a quiz."""

from __future__ import annotations

from ..questions import KINDS, Check, follow_up, from_memo
from ..talk import Talk

_REACT = {
    "arithmetic": "[That's what I thought|Good, same as on my list|More than I expected|Less than I feared|Okay, "
    "that fits]",
    "counting": "[I had one more|I lost count myself|Good, that fits the crossword|Ah, so it fits|I was close]",
    "spelling": "[So that's how it goes|I always get that wrong|Good, I've written it down|I'd have got that wrong]",
    "date": "[Already|That soon|Good, there's time then|I'll put that in my diary|All right, I can plan with that]",
    "time": "[Good, that's enough time|Okay, that works|Then I have to hurry|I'll be in time then]",
    "conversion": "[That's easier to imagine|Good to know|That sounds like more than it is|I never remember that one]",
    "capital": "[Of course, I should have known|I've always wanted to go there|I'd have said something else|Right, "
    "we had that at school]",
    "fact": "[I knew that once|Oh, interesting|I'd never have guessed|I'll remember that|Good, I just lost a bet then]",
}
_WHY = {
    "arithmetic": "[I'm doing my accounts|I'm checking a bill|My son has maths homework|I've lost my calculator]",
    "counting": "[I'm doing a crossword|I'm making a word game|We're playing a word game here]",
    "spelling": "[I'm writing a letter|I'm filling in a form|I'm making a sign for the door]",
    "date": "[I'm planning a few things|I'm looking at my calendar|I'm trying to sort out my month]",
    "time": "[I'm planning my day|I'm in a bit of a rush|I've got a timetable here]",
    "conversion": "[I'm reading an old cookbook|I've got instructions from abroad|I'm measuring my flat]",
    "capital": "[We're doing a quiz|My daughter has a geography test|I'm looking at an old atlas]",
    "fact": "[We're doing a quiz|I've got a bet with {kin}|I'm helping with homework|Something has been bugging me]",
}


def _answer(talk: Talk, check: Check, asked: int, lead: str = "") -> int:
    return talk.agent(lead + check.tell, "answer", answers=asked, **check.slots)


def _lead_in(check: Check) -> str:
    return f"{{lead}}{_WHY[check.kind]}. "


def ask(talk: Talk) -> None:
    """One to three related questions of one kind, answered; now and then doubted, misheard or misremembered."""
    kind = talk.deal("kinds", tuple(KINDS))
    first = from_memo(talk) if talk.rng.random() < 0.5 else None
    check = first or KINDS[kind](talk)
    opening = "{lead}" if first or talk.rng.random() < 0.5 else _lead_in(check)
    asked = talk.user(opening + check.ask, "ask", question=check.question, **check.slots)
    _answer(talk, check, asked)
    rounds = 1
    while talk.room() > 45 and rounds < 3:
        rounds += 1
        chance = talk.rng.random()
        if chance < 0.25 and check.wrong:
            _corrected(talk, check)
        elif chance < 0.45:
            talk.user(
                "[Are you sure?|Can you check that again?|Really? Could you double-check?|Is that right?|Hmm, let "
                "me hear that again.]",
                "ask",
            )
            talk.agent(
                "[Yes, I've checked,|I went over it again,|Quite sure,|Let me check once more. Yes,] "
                + check.tell_short,
                "confirm",
                **check.slots,
            )
        following = follow_up(talk, check) or KINDS[check.kind](talk)
        asked = talk.user(
            f"[{_REACT[check.kind]}. |{{thanks}}. |{{ok}}. ]" + "[And|And also,|Next,|Okay, and|] " + following.ask,
            "ask",
            question=following.question,
            **following.slots,
        )
        _answer(talk, following, asked)
        check = following
    talk.user(
        f"[{_REACT[check.kind]}, thanks.|{{thanks}}, that helps.|{{thanks}}. You're quick.|{{great}}, {{thanks}}.]",
        "thank",
    )
    talk.agent(
        "{welcome}. [That was a nice one.|I like questions like that.|Ask away if there's more.|Always good to "
        "check.|]",
        "close",
    )


def _corrected(talk: Talk, check: Check) -> None:
    """The user remembers it differently and is put right."""
    talk.user(
        "[Oh, I thought it was|Really? I'd have said|I could have sworn it was|Strange, on my list it's] "
        f"{check.wrong}[.|, actually.|.]",
        "doubt",
    )
    talk.agent("[No,|Close, but no,|I'm afraid not,|Not quite,] " + check.tell_short, "correct", **check.slots)


def quiz(talk: Talk) -> None:
    """The agent asks, the user answers, rightly or not; the score is kept."""
    talk.user(
        "{lead}[ask me something, I want to test myself.|let's do a quick quiz.|can you quiz me a little?|give me "
        "three quick questions.]",
        "ask",
    )
    kinds = talk.deal_many(
        "quiz kinds", ("capital", "fact", "capital", "arithmetic", "spelling", "conversion", "fact"), 3
    )
    right = 0
    rounds = 3 if talk.room() > 120 else 2
    lead = "[Okay, here we go.|Gladly.|All right.|Ready?] [First one.|Number one.||Here's the first.] "
    for number, kind in enumerate(kinds[:rounds]):
        check = KINDS[kind](talk)
        last = number == rounds - 1
        knows = talk.rng.random() < 0.6 or not check.wrong
        asked = talk.agent(lead + check.ask, "ask", question=check.question, **check.slots)
        if knows:
            right += 1
            talk.user(
                "[I know that one. |Easy. |That's easy. |Wait. |]" + check.bare + "[.|.|, I think.]",
                "answer",
                answers=asked,
                **check.slots,
            )
            lead = "[Correct!|That's right.|Well done.|Exactly.|Spot on.] " + (
                "" if last else "[Next one.|And now this.|Here's another.|] "
            )
        else:
            talk.user(
                f"[Is it {check.wrong}?|I'd say {check.wrong}.|{check.wrong}, maybe?|No idea. {check.wrong}?]", "guess"
            )
            talk.agent(
                "[Not quite,|No, sorry,|Good guess, but|Almost,] " + check.tell_short,
                "correct",
                answers=asked,
                **check.slots,
            )
            talk.user("[Ah, of course.|Oh, I knew that!|Next time.|Hmm, okay.|I'd never have got that.]", "react")
            lead = "[It was a hard one.|Don't worry.|That's how you learn.|] " + (
                "" if last else "[Next one.|And now this.|Here's another.] "
            )
    total = ("none", "one", "two", "three")
    score = f"[That's|You got|That makes] {total[right]} out of {total[rounds]}."
    talk.agent(lead + score, "inform")
    talk.user(
        "[Not bad.|I'll take that.|We'll do that again.|That was fun.|Ha, not bad at all.]"
        if right
        else "[Oh well.|I need more practice.|How embarrassing.]",
        "react",
    )
    talk.agent(
        "[You did well|I had fun|We can go on any time]. [You're better than you think.|Practice helps.|]", "close"
    )


SCENES = (ask, ask, quiz)
