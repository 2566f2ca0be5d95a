"""What kind of series a slice belongs to, told from its header.

Vendors name things freely, so these rules are lists of words seen in practice. They decide
only which series is preferred, or why one is left out; `series=` overrides every preference.
"""

import re

from ichnos.scans.dicom_headers import SliceHeader

CT_MODALITY = "CT"
HU_TYPES = frozenset({"", "HU", "HU_MOD", "US"})
"""RescaleType values (DICOM PS3.3 C.11.1.1.2) that CT images in HU carry; US = unspecified."""

AXIAL_COSINE = 0.7
"""Least cosine between slice normal and body axis: gantries tilt by up to 30 degrees, heads more."""

LOCALIZER_WORDS = re.compile(r"\b(localizer|scout|topogram|scanogram|surview|pilot)", re.IGNORECASE)
PLAIN_WORDS = re.compile(
    r"non[ _-]?c(?:on|e\b|\b)|w/?o\b|without|unenhanced|pre[ _-]?contrast|ncct|\bnativ|\bplain|no contrast|\bC-(?!\w)",
    re.IGNORECASE,
)
CONTRAST_WORDS = re.compile(
    r"\bC ?\+|\+ ?C\b|\bCE\b|CECT|contrast|enhanced|\bw/ ?c|CTA\b|CTV\b|CTP\b|angio|venogr|perfusion"
    r"|bolus|monitoring|arterial|venous|\bKM\b|\b\d+ ?cc\b|\boral\b|\bi\.?v\b|^(?:CT )?C(?= |$)",
    re.IGNORECASE,
)
"""Doses in cc, oral and IV, and a bare C are how CQ500 names its contrast series."""

NO_AGENT = re.compile(r"^\s*(|no|none|nil|n/?a|0|without.*|w/?o.*|no[tn]\b.*)\s*$", re.IGNORECASE)
REFORMAT_TYPES = frozenset(
    {"DERIVED", "MPR", "MIP", "MINIP", "REFORMATTED", "PROJECTION IMAGE", "SUBTRACTION", "CSA MPR", "CSA MIP"}
)
HEAD_WORDS = re.compile(r"head|brain|skull|cerebr|cran|neuro|schadel|schädel|tete|tête", re.IGNORECASE)
OTHER_PART_WORDS = re.compile(r"chest|thorax|\bHRCT\b|abdom|pelvi|spine|lung", re.IGNORECASE)
BONE_WORDS = re.compile(r"bone|knochen|edge|lung|sharp|\bU?HR\b", re.IGNORECASE)
SIEMENS_KERNEL = re.compile(r"^[A-Z][a-z]?(\d{2})")
TOSHIBA_KERNEL = re.compile(r"^FC(\d{2})")
PHILIPS_BONE = re.compile(r"^(YB|YC|YD|YE|D|E|L)$")


def is_localizer(header: SliceHeader) -> bool:
    """Whether ImageType says that this is a scout view."""
    return "LOCALIZER" in header.image_type


def is_axial(header: SliceHeader) -> bool:
    """Whether the slice normal is closer to the body axis than to any other (tilt allowed)."""
    if header.orientation is None:
        return False
    x1, y1, _, x2, y2, _ = header.orientation
    return abs(x1 * y2 - y1 * x2) >= AXIAL_COSINE


def has_contrast(header: SliceHeader) -> bool:
    """Whether contrast agent was given, by ContrastBolusAgent or the series description."""
    if PLAIN_WORDS.search(header.description):
        return False
    return not NO_AGENT.match(header.contrast) or CONTRAST_WORDS.search(header.description) is not None


def is_derived(header: SliceHeader) -> bool:
    """Whether the slice was computed from other slices."""
    return any(part in REFORMAT_TYPES for part in header.image_type)


def is_of_head(header: SliceHeader) -> bool | None:
    """Whether the body part is the head; None if nothing tells."""
    if HEAD_WORDS.search(f"{header.body_part} {header.description}"):
        return True
    return False if header.body_part or OTHER_PART_WORDS.search(header.description) else None


def has_bone_kernel(header: SliceHeader) -> bool:
    """Whether the reconstruction is sharp, for bone or lung: noisier where blood is to be seen."""
    kernel = header.kernel.strip()
    if BONE_WORDS.search(kernel) or re.search(r"bone|knochen", header.description, re.IGNORECASE):
        return True
    if toshiba := TOSHIBA_KERNEL.match(kernel):
        return int(toshiba[1]) in range(30, 60) or int(toshiba[1]) >= 80
    if siemens := SIEMENS_KERNEL.match(kernel):
        return int(siemens[1]) >= 58
    return PHILIPS_BONE.match(kernel) is not None


def why_unusable(header: SliceHeader) -> str | None:
    """Why a slice cannot be part of an axial CT in HU; None if it can."""
    reasons = {
        f"modality {header.modality or 'unknown'}": header.modality != CT_MODALITY,
        "no image, such as a dose report": not (header.rows and header.columns),
        "localizer": is_localizer(header) or LOCALIZER_WORDS.search(header.description) is not None,
        "colour": header.samples != 1,
        "no valid image orientation, such as a screen capture": header.orientation is None,
        "not axial": not is_axial(header),
        f"{header.rescale_type} values, not HU": header.rescale_type not in HU_TYPES,
    }
    return next((reason for reason, applies in reasons.items() if applies), None)
