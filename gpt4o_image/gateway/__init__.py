"""Whom to ask: profiles, config file, the one HTTP client, the free check. Must not know the vault."""
