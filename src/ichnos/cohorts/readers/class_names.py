"""What other people call the classes of their masks, in our words."""

import re
from collections.abc import Mapping, Sequence

from ichnos.errors import CohortError

NAMES: dict[str, frozenset[str]] = {
    "epidural": frozenset({"epidural", "extradural", "edh"}),
    "intraparenchymal": frozenset({"intraparenchymal", "parenchymal", "intracerebral", "iph"}),
    "intraventricular": frozenset({"intraventricular", "ivh"}),
    "subarachnoid": frozenset({"subarachnoid", "sah"}),
    "subdural": frozenset({"subdural", "sdh"}),
    "any": frozenset({"", "any", "ich", "intracranial", "blood", "lesion", "lesions", "foreground", "whole", "all"}),
}
"""Without the words of `BLOOD_WORDS`; `ich` may mean intracranial or intracerebral, so it tells no subtype."""

NO_BLOOD = frozenset(
    {
        *("edema", "oedema", "phe", "perihematomal edema", "perihaematomal oedema", "ventricle", "ventricles", "csf"),
        *("brain", "skull", "bone", "air", "infarct", "ischemia", "tumor", "tumour", "calcification"),
        "other",
    }
)
"""Classes that are known and are not blood; their voxels are background."""

BLOOD_WORDS = re.compile(r"\b(ha?emorr?hages?|ha?emorr?hagic|ha?ematomas?|bleeds?|bleeding|mask|label|acute)\b")


def name_class(name: str) -> str | None:
    """The subtype that a name means, `any` for blood without one, None for what is no blood.

    Raises:
        KeyError: the name is not known.

    Example:
        >>> [name_class(name) for name in ("EDH", "Subdural_Haematoma", "hemorrhage", "edema")]
        ['epidural', 'subdural', 'any', None]
    """
    words = " ".join(re.split(r"[^a-z0-9]+", name.lower())).strip()
    if words in NO_BLOOD:
        return None
    bare = " ".join(BLOOD_WORDS.sub(" ", words).split())
    for subtype, names in NAMES.items():
        if bare in names or words in names:
            return subtype
    raise KeyError(name)


def name_classes(regions: Mapping[str, Sequence[int]], where: str) -> dict[int, str | None]:
    """What each number of a mask means.

    Args:
        regions: by name the numbers that it covers; a number in several regions, such as `subdural`
            and `whole`, is what the smallest of them with a subtype says.
        where: how messages call the place of the names.

    Raises:
        CohortError: a name that is not known.
    """
    classes: dict[int, str | None] = {}
    for name, numbers in sorted(regions.items(), key=lambda item: -len(item[1])):
        try:
            meaning = name_class(name)
        except KeyError:
            known = ", ".join(NAMES)
            raise CohortError(
                f"{where}: class {name!r} is no kind of bleed that is known here; call it one of {known}, "
                "or `other` if it is no blood"
            ) from None
        for number in numbers:
            if meaning != "any" or classes.get(number) is None:
                classes[number] = meaning
    return dict(sorted(classes.items()))
