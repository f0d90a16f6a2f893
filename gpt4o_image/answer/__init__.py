"""Reads the gateway's answer: bytes to text to events, and failures. Pure; knows neither vault, network nor host."""
