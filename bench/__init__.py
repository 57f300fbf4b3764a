"""Side-by-side measurements: `python -m bench` lists them, `python -m bench NAME` runs one."""
