"""Synthetic dialogues: written, timed, spoken, rendered on separate channels and stored as a corpus."""
