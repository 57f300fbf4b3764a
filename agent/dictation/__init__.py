"""Dictation: teaches the recognizer of `agent.hearing` to write down what anybody says.

`material` holds who says what, from corpora and recorded people; `disturbed` does to it what the world does;
`whisper_layers` begins the network with Whisper's lower layers, `training` goes on; `judging` counts word errors.
"""
