"""What is made small: tensors in, one number out; half precision is left before anything is summed."""
