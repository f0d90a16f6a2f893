"""Links to verified bytes, by GET. Must not know what the pictures are for, nor any key."""
