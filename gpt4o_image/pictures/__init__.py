"""Bytes to pixels, and pixels to bytes. Must not know the gateway, the vault or torch."""
