"""Recordings of dialogues with word times, on disk. The ground floor: imports no other folder."""
