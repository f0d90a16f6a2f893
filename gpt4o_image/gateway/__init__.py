"""Reaches the gateway: profiles, config file, the one HTTP client, the free check. Must not know the vault."""
