"""Programs that run engines in environments of their own; nothing here is imported by the rest. See `worker.py`."""
