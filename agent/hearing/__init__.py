"""Hearing words: a small recognizer of its own for a model that follows its user's words, 80 ms a step.

`stream` is what it gives, a token a frame for the stream of the user's text, where the model reads them; `opening`
finds one by its name.
"""
