"""What a network is trained for: one strategy a file."""
