"""Every error that ichnos raises on purpose.

IchnosError                  something the user can act on; the command line shows it as one line
├── UsageError               wrong arguments or settings (exit code 2)
├── ScanError                an input file is not a head CT that we can use
│   ├── ScanNotFoundError    nothing there, or nothing readable there
│   ├── ModalityError        readable, but not a CT slice stack (MR, scout, colour, ...)
│   │   └── MaskFileError    a mask where a scan was expected
│   ├── GeometryError        slices do not form one stack (gaps, duplicates, mixed sizes, ...)
│   ├── PixelError           pixel data truncated, corrupt, or not in HU
│   └── ArchiveError         a zip that is broken or unsafe
├── CohortError              a collection on disk is not what it claims to be
├── CheckpointError          a model folder is incomplete, altered, or of another version
├── StoreError               a slice store that cannot be written, or that is damaged
└── TrainingError            training cannot start or go on (no positives, loss not finite, ...)

A message says what is wrong, where, the value found, and the way out, in one line.
"""


class IchnosError(Exception):
    """Base of all errors that are the input's fault, not ours."""


class UsageError(IchnosError):
    """Arguments or settings that cannot be used as given."""


class ScanError(IchnosError):
    """An input that is not a head CT that can be used."""


class ScanNotFoundError(ScanError):
    """Nothing to read at the given place, or no permission to read it."""


class ModalityError(ScanError):
    """Readable images, but not axial CT slices."""


class MaskFileError(ModalityError):
    """A file of small whole numbers: somebody's drawing, not a scan."""


class GeometryError(ScanError):
    """Slices whose positions, sizes or orientations do not form one stack."""


class PixelError(ScanError):
    """Pixel data that is truncated, corrupt, or not in Hounsfield units."""


class ArchiveError(ScanError):
    """A zip file that is broken, or that is unsafe to unpack."""


class CohortError(IchnosError):
    """A collection of scans whose folders or tables are not as its reader expects."""


class CheckpointError(IchnosError):
    """A model folder that is incomplete, altered, or written by another version."""


class StoreError(IchnosError):
    """A slice store that cannot be written, or that is incomplete or altered."""


class TrainingError(IchnosError):
    """Training that cannot start, or that cannot go on."""
