"""Keeps what was paid for on disk. Must not know keys, the network or how an answer is read."""
