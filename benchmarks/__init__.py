"""Measures what the pack costs in time, bytes and memory, as ratios within one run."""
