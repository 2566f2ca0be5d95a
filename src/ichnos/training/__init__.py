"""From labelled slices to a checkpoint."""
