"""Support calls: something is broken, late or wrong."""

from __future__ import annotations

from typing import Any

from ..behaviours import Barge
from ..spoken import DAYS, cardinal, count, money
from ..stage import Memo
from ..tables import phrases, table
from ..talk import Talk

_DIGITS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]


def case(talk: Talk) -> tuple[dict[str, Any], str, int]:
    """A product, the shop it is from and its price in cents."""
    data = phrases("support")
    product = talk.deal("products", data["products"])
    price = talk.rng.randrange(product["price"][0] // 100, product["price"][1] // 100) * 100 + talk.rng.choice(
        (0, 50, 90, 99)
    )
    return product, talk.deal("shops", data["shops"]), price


def _order_number(talk: Talk, noun: str = "order number") -> str:
    """Ask for a number, read it out, read it back, sometimes with one digit wrong. Gives the number as said."""
    digits = [talk.rng.randrange(10) for _ in range(4)]
    said = ", ".join(_DIGITS[digit] for digit in digits)
    talk.agent(f"[Could you give me|What's|Can I have] [your|the] {noun}[, please|]?", "ask")
    talk.user("[It's|Here it is,|Let me look. It's||One moment. It's] <{said}>.", "answer", said=said)
    if talk.rng.random() < 0.3:
        wrong = list(digits)
        wrong[talk.rng.randrange(4)] = (digits[0] + talk.rng.randint(1, 4)) % 10
        if wrong != digits:
            talk.agent(
                "[That was|I have] {wrong}[, right|, is that correct]?",
                "confirm",
                wrong=", ".join(_DIGITS[digit] for digit in wrong),
            )
            talk.user("[No,|Not quite,|Almost,] {said}.", "correct", said=said)
            talk.agent("[{said}. Sorry about that.|Ah, {said}, thank you.]", "repair", said=said)
            return said
    talk.agent(
        "[{said}, {thanks}|Thank you, {said}|{ok}, {said}]. [I've found it|Here it is|I've got it on the screen].",
        "confirm",
        said=said,
    )
    return said


def broken(talk: Talk) -> None:
    """A fault: checks, a repair to try, and a replacement or the money back if that fails."""
    product, shop, price = case(talk)
    fault = talk.deal(f"fault {product['name']}", product["fault"])
    bought = talk.grammar.expand(
        "[three weeks ago|last month|in spring|two days ago|just before the holidays|in January]", {}
    )
    name = product["name"]
    talk.user(
        "{lead}[I bought a {name} from {shop}, and {fault}|I've got trouble with my {name}. The thing is, "
        "{fault}|there's a problem with the {name} I got from {shop}, {fault}].",
        "complain",
        name=name,
        shop=shop,
        fault=fault,
    )
    talk.agent("{pity}. [When did you buy it?|How long have you had it?|Since when do you have it?]", "ask")
    talk.user(
        "[I got it <{bought}>|<{bought}>|That was <{bought}>][, so it's nearly new|, I still have the receipt|].",
        "answer",
        bought=bought,
    )
    _checks(talk, name, product["checks"])
    if talk.room() < 60 or talk.rng.random() < 0.35:
        number = ""
    else:
        number = _order_number(talk)
        talk.user("[And now?|So what can we do?|Good. What's next?]", "ask")
    fix = talk.deal(f"fix {name}", product["fix"])
    talk.agent(
        "[Please|Then please|Now please] {fix}, [and tell me what happens|and then let's see|and try it again].",
        "instruct",
        fix=fix,
        barge=Barge(
            "[I've tried that already|Sorry, I did that yesterday], [it didn't help|no change].",
            "[Ah, okay.|All right, then we skip that.]",
            "[In that case|Then], I'd say it's [a case for the workshop|simply a bad one|not your fault].",
        ),
    )
    _outcome(talk)
    talk.agent("{welcome}. [Sorry for the trouble.|Enjoy your {name}.|]", "close", name=name)
    if number:
        talk.memos.append(
            Memo(
                "order",
                f"the {name}",
                f"which number did I give you for the {name}?",
                f"[You said|It was] <{number}>.",
                cents=price,
            )
        )


def _checks(talk: Talk, name: str, checks: list[list[str]]) -> None:
    """One or two questions about the fault."""
    for question, answer, reply, *more in talk.deal_many(f"checks {name}", checks, 1 if talk.room() < 120 else 2):
        talk.agent(question, "ask")
        talk.user(answer, "answer")
        if more:
            talk.agent(reply, "answer")
            talk.user(
                "[Oh. Okay, I'll look at that.|I had no idea. Wait. Right, it's clean now.|Well, now I know.]",
                "acknowledge",
            )


def _outcome(talk: Talk) -> None:
    """The repair worked, or a new one is sent."""
    if talk.taken or talk.rng.random() < 0.5:
        talk.user(
            "[So what happens now?|Can I get a new one?|I'd rather have my money back.|And what do I do with it?]"
            if talk.taken
            else "[No, still the same|Nothing, I'm afraid|It's no different]. [Can I get a new one?|What now?]",
            "ask",
        )
        talk.agent(
            "[We'll send you|You'll get|I'm sending you] a new one, [it should be there by|it'll arrive on] "
            "<{day}>. [The old one can stay with you.|Just give the old one to the driver.|You don't have to pay "
            "anything.]",
            "offer",
            day=DAYS[(talk.today.weekday() + talk.rng.randint(2, 5)) % 7],
        )
        talk.user("[That's very kind|That's great service|Oh, good|That's a relief], {thanks}.", "thank")
    else:
        talk.user(
            "[Wait a second. Oh, it works!|Let me try. Yes, that did it!|I don't believe it, it's working.|Ha, that "
            "was it!]",
            "answer",
        )
        talk.agent(
            "{great}. [Keep an eye on it for a few days|If it comes back, just call again|I'm glad we didn't have "
            "to send it in].",
            "inform",
        )
        talk.user("[I will|I'll do that|Good to know], {thanks}.", "thank")


def late(talk: Talk) -> None:
    """An order that has not come: where it is, why, when it arrives, something in return."""
    product, shop, price = case(talk)
    data = phrases("support")
    ordered = DAYS[(talk.today.weekday() - talk.rng.randint(3, 6)) % 7]
    coming = DAYS[(talk.today.weekday() + talk.rng.randint(1, 3)) % 7]
    name = product["name"]
    talk.user(
        "{lead}[I ordered a {name} from {shop} last {ordered}, and it still isn't here|where's my {name}? It should "
        "have come by now|I'm calling about a {name} I ordered last {ordered}].",
        "complain",
        name=name,
        shop=shop,
        ordered=ordered,
    )
    talk.agent("{pity}. [Let me find out what happened.|I'll look into that.|Let's see where it is.]", "acknowledge")
    talk.user("[Thanks.|Please do.|Good.|I'd appreciate that.]", "thank")
    _order_number(talk)
    talk.user("[So where is it?|And, is it on its way?|What does it say?|And what happened?]", "ask")
    talk.agent(
        "[I can see that|It says here that|Apparently] {delay}[, so it went back and had to be sent out again|, and "
        "nobody told us about it||, which really shouldn't happen]. [It should reach you on|You should have it by] "
        "<{coming}>.",
        "answer",
        delay=talk.deal("delays", data["delays"]),
        coming=coming,
        barge=Barge(
            "[Wait, not before {coming}?|But I need it before {coming}!]",
            "[I'm afraid not.|I'm sorry, that's the earliest.]",
        ),
    )
    talk.user(
        "[I'm not home on {coming}|Hmm, {coming} is difficult|I'm at work on {coming}]. [Can they leave it "
        "somewhere?|Could it go to a neighbour?|Is there another way?]",
        "ask",
        coming=coming,
    )
    who = f"{talk.rng.choice(('Mister', 'Missus'))} {talk.deal('surnames', [row[0] for row in table('surnames')])}"
    talk.agent(
        "[Yes, they can leave it with a neighbour|They can drop it at the shop on the corner|It can go to a parcel "
        "box]. [Whose name should I write down?|Who should they ask for?|Who may pick it up?]",
        "ask",
    )
    talk.user(
        "<{who}>[, at number {door}|, next door|, upstairs].", "answer", who=who, door=cardinal(talk.rng.randint(2, 98))
    )
    refund = talk.rng.choice((500, 750, 1000, 1250))
    talk.agent(
        "[Noted|I've changed that|That's arranged]. [And for|Because of] the trouble, [you get|I'm giving you|we'll "
        "take] <{refund}> [back|off].",
        "offer",
        refund=money(refund),
    )
    talk.user(
        "[Oh, that's kind|Well, thank you|That's fair|I didn't expect that]. [So it costs {rest} now?|That makes it "
        "{rest}, right?|]",
        "thank",
        rest=money(price - refund),
    )
    talk.agent(
        "[Exactly, {rest} instead of {price}|That's right, {rest} in the end|The total is {rest} now]. [Sorry again.|]",
        "answer",
        rest=money(price - refund),
        price=money(price),
    )
    talk.memos.append(
        Memo(
            "order",
            f"the {name}",
            f"[when does the {name} come|which day is the {name} coming]?",
            f"[On|It comes on|They said] <{coming}>.",
            cents=price - refund,
        )
    )


def wrong(talk: Talk) -> None:
    """The parcel came, but with the wrong thing in it."""
    product, shop, price = case(talk)
    name = product["name"]
    problem = talk.deal("wrongs", phrases("support")["wrongs"])
    talk.user(
        "{lead}[my parcel from {shop} came today, but they sent {problem}|{shop} sent me {problem}|I got {problem} "
        "from {shop}]. [I wanted a {name}.|It should have been one {name}.]",
        "complain",
        shop=shop,
        problem=problem,
        name=name,
    )
    talk.agent(
        "{pity}. [Do you want to keep it or send it back?|Would you like the right one, or your money back?]", "ask"
    )
    money_back = talk.rng.random() < 0.4
    talk.user(
        "[I'd like my money back, please|My money back, I think|Just the money, please]."
        if money_back
        else "[The right one, please|I'd still like the {name}|Please send me the right one].",
        "answer",
        name=name,
    )
    number = _order_number(talk)
    talk.user("[Do I have to pay for the postage?|How do I send it back?|Who pays for sending it?]", "ask")
    talk.agent(
        "[No, it's free|We pay for that|It costs you nothing]. [Put it back in the box|Pack it up again] and [leave "
        "it at any post office|hand it to the driver|drop it at the parcel shop].",
        "answer",
        barge=Barge(
            "[I've thrown the box away. Is that bad?|What if I don't have the box any more?]",
            "[Any box will do.|No problem, take another box.]",
        ),
    )
    if money_back:
        days = talk.rng.randint(3, 10)
        talk.user("[And when do I get the money?|How long until I have the money?]", "ask")
        talk.agent(
            "[The {price} will be|You'll have the {price}] on your account [within|in about] <{days}>.",
            "answer",
            price=money(price),
            days=count(days, "day"),
        )
    else:
        day = DAYS[(talk.today.weekday() + talk.rng.randint(2, 5)) % 7]
        talk.user("[And when do I get the right one?|How long will the new one take?]", "ask")
        talk.agent(
            "[It goes out tomorrow|They pack it today], [so it should arrive on|and you'll have it by] <{day}>.",
            "answer",
            day=day,
        )
    talk.user("[All right|Fine|That's okay], {thanks}.", "thank")
    talk.agent("{welcome}. [Sorry about the mix-up.|And sorry for the hassle.|]", "close")
    talk.memos.append(
        Memo(
            "order",
            f"the {name}",
            f"which order number was it for the {name}?",
            f"[It was|You gave me] <{number}>.",
            cents=price,
        )
    )


SCENES = (broken, late, wrong)
