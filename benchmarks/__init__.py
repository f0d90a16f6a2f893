"""What the pack costs in time, bytes and memory, as ratios measured in one run."""
