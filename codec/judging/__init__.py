"""Judging codecs: `evaluate` on real recordings in one run with `peers`; `probe` asks what the semantic codes know."""
