"""Measurements of `codec`."""
