"""Arrays in, numbers out. Imports nothing of ours."""
