"""Fixtures of this folder's tests."""

from tests.support.tones_voice import fetched as fetched
