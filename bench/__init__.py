"""Side-by-side measurements: `python -m bench` lists them, `python -m bench NAME` runs one.

Every one has `run(as_json, smallest)`: `smallest` takes the least data and the smallest models, to see that it runs.
"""
