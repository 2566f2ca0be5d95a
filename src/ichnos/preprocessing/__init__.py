"""From a scan to what a network sees, and exactly back."""
