"""Measurements of `agent`."""
