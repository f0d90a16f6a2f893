"""Remembers, for all runs of this server, which hosts of a gateway could be connected to."""

from __future__ import annotations

from ..gpt4o_image.gateway.hosts import Hosts

HOSTS = Hosts()
