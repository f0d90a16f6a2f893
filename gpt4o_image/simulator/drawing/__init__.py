"""The simulator's painter: a prompt's words and references become a picture. Knows nothing of requests and answers."""
