"""Prepares vault and settings for the browser, redacted. Must not know HTTP."""
