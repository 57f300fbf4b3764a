"""Hearing words: a recognizer of its own for a model that reads what its user says, 80 ms a step.

`recognizer` runs it: of `features` of the sound the `network` (or `graph_letters`, its 8-bit form) tells letters, and
`search` makes words of them in a tree of words (`lexicon`) with `ngrams`. `heard_words` lays them on the stream of
the user's text, as `stream` wants it; `opening` finds one by its name.
"""
