"""What the browser is shown of vault and settings, redacted. Must not know HTTP."""
