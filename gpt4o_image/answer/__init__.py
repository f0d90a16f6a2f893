"""What the gateway answered: bytes to text to events, and failures. Pure; knows neither vault, network nor host."""
