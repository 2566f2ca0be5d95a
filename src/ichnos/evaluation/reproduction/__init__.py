"""Both papers as plans of stages: resumable, each stage in a folder of its own."""
