"""Seeded synthetic head CTs with bleeds of known shape, volume and subtype."""

from ichnos.phantoms.phantom import Phantom, make_phantom
from ichnos.phantoms.settings import SUBTYPES, PhantomSettings
from ichnos.phantoms.write import phantom_name, write_phantom

__all__ = ["SUBTYPES", "Phantom", "PhantomSettings", "make_phantom", "phantom_name", "write_phantom"]
