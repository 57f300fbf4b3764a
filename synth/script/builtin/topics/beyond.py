"""What lies beyond the small agent: requests and questions that it does not know, and its saying so.

Its sentences stand in `facts/basics.json` under `beyond`. Many of the questions are asked like those it does know, so
that an answer needs the words that make the difference.
"""

from __future__ import annotations

from ..tables import table
from ..talk import Talk
from .basics import agent_line, bridge, fixed, user_line

_ROUND = 14  # words of a request with its answer
_TIME = (
    "[ at [six|seven|eight o'clock|noon|midnight]| tomorrow| tonight| on [Monday|Friday|Sunday]| in [ten|twenty] "
    "minutes| next week| this evening|||]"
)
_REQUESTS = (
    "[set|start|give me|make] [an alarm|a timer|a reminder]" + _TIME + ".",
    "[can you |please |could you |]turn [on|off|up|down] the [light|lights|heating|music|radio|fan|television|oven]"
    "[ in the kitchen| in the bedroom| downstairs||].",
    "[can you |please |could you |]play [some music|the radio|my favourite song|something quiet|some jazz|the news].",
    "[call|ring|write to|text|send a message to] [{friend}|my boss|the doctor|my neighbour|{kin}]" + _TIME + ".",
    "[what's|what is|how is] the weather[ like|]" + _TIME + "?",
    "[will it|is it going to] [rain|snow|be cold|be warm|be windy]" + _TIME + "?",
    "[I'd like|I want|may I have|can I get|I'll take|give me] [a|a small|a large] [pizza|coffee|tea|sandwich|soup|"
    "salad|burger|beer|orange juice|hot chocolate|piece of cake][ with [milk|sugar|cheese|onions|ice|cream]|], please.",
    "[can you |please |could you |I need to |I want to |]book [a table|a room|a taxi|a flight|a ticket|an appointment]"
    "[ for two| for me| for three people|]" + _TIME + ".",
    "[where is|where's|how do I get to] the [nearest|next] [station|bus stop|hospital|bakery|pharmacy|bank|museum]?",
    "[how do I|how can I|how do you|can you tell me how to] [bake bread|cook rice|fix a tap|change a tyre|tie a tie|"
    "clean an oven|grow tomatoes|paint a wall|cook an egg|write a letter]?",
    "[tell me|do you know|I want to hear] [a joke|a story|a poem|some news|something about {name}|the football "
    "results|a fairy tale].",
    "[what do you think of|what do you think about|do you like] [politics|football|the new law|modern art|opera|"
    "fast food|my new car|camping|this town]?",
    "[my|the] [printer|phone|computer|car|washing machine|heating|internet|door] [does not work|is broken|makes a "
    "strange noise|has stopped again]. [What should I do|Can you help me|What can I do]?",
    "[translate|spell|define] [hello|thank you|water|friendship|the word house|good morning][ into French| into "
    "Spanish| for me|].",
    "[how much is|what does|how much does] [a train ticket|a new phone|a litre of milk|this house|a good bicycle] "
    "cost?",
    "[when does|what time does] the [train|bus|shop|film|game|pharmacy|museum] [leave|open|close|start]?",
    "[who is|who was|what do you know about] [the president|{name}|the mayor|that singer|the king|my teacher]?",
    "[how old is|how tall is|how far away is|how heavy is] [the moon|that tree|this house|the tower|the sea|{friend}]?",
    "[open|close|lock|unlock] the [door|window|garage|curtains|gate]" + _TIME + ".",
    "[what's on|what do I have on|what is in] my [calendar|list|diary]" + _TIME + "?",
)


def _known() -> str:
    return " ".join(row[0] for row in table("basics"))


def _question(talk: Talk) -> str:
    """A question with a settled answer that the agent was never told."""
    chance = talk.rng.random()
    if chance < 0.4:
        country = talk.deal("beyond capitals", [row[0] for row in table("capitals") if row[0] not in _known()])
        return f"[what's|what is|which city is] the capital[ city|] of {country}?"
    if chance < 0.6:
        thing = talk.deal(
            "beyond colours", ["a carrot", "a frog", "my car", "a rose", "the sea", "a plum", "ice cream"]
        )
        return f"[what|which] colour is {thing}?"
    question = talk.deal("beyond facts", [row[0] for row in table("facts")])
    return f"{question}?"


def beyond(talk: Talk) -> None:
    """One to four requests or questions, each declined in a sentence of the closed set."""
    for number in range(4):
        if number and talk.room() < _ROUND:
            break
        asked = _question(talk) if talk.rng.random() < 0.4 else talk.deal("beyond requests", _REQUESTS)
        user_line(talk, asked, "ask", lead=bridge(talk))
        agent_line(talk, talk.deal("beyond agent", fixed("beyond")), "answer")


SCENES = (beyond,)
