"""Where a classifier looked: recordings of its attention, and maps in [0, 1] made of them."""
