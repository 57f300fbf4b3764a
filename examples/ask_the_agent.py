"""Let the agent hear a question and answer it: `python examples/ask_the_agent.py QUESTION.wav BOTH.wav [MODEL]`."""

import sys

import duologue


def main(question: str, both: str, model: str = "laptop") -> None:
    """Print what was heard and said, with times, and write both sides as two channels."""
    reply = duologue.Agent.load(model).reply(question, wait=4.0)
    print("heard:", reply.heard)
    print("said: ", reply.text)
    for word in reply.words:
        print(f"{word.start:7.2f}  {word.speaker:6} {word.text}")
    print("both sides:", reply.save(both))


if __name__ == "__main__":
    main(*sys.argv[1:])
