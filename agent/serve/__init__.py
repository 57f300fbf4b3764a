"""The server: one port with three wires (`wires/`), the browser page (`web/`), health and metrics.

`server` answers HTTP, `access` says who may talk, `conversation` ties one connection to one session, `recording` keeps
what was said when asked to, `event_log` and `prometheus` tell what happens.
"""

from .server import Server

__all__ = ["Server"]
