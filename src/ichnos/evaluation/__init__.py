"""How good a segmenter is, on scans that nothing was chosen on."""
