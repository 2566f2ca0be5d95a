"""Collections as they lie on disk, each read into the same `Cohort`: one reader a file."""

from ichnos.cohorts.readers.registry import READERS, list_readers, open_cohort

__all__ = ["READERS", "list_readers", "open_cohort"]
