"""What the bundled models are worth: on heads of their own kind, on heads built otherwise, on a real scan."""
