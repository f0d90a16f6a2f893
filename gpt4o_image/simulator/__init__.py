"""The embedded gateway: answers on loopback as the documented one does. Shares no code with the client."""

from __future__ import annotations

from .scenarios import scenario_names
from .server import Simulator

__all__ = ["Simulator", "scenario_names"]
