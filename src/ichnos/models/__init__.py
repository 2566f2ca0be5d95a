"""Networks in plain torch: tensors in, logits out. They never see a scan."""
