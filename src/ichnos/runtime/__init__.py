"""What a run needs around the science: device, seed, safe files, provenance."""
