"""Collections of labelled scans: patient-wise splits, and slices prepared for training."""
