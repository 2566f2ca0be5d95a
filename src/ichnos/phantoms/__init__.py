"""Seeded synthetic head CTs with bleeds of known shape, volume and subtype."""

from ichnos.phantoms.phantom import Phantom, make_phantom
from ichnos.phantoms.settings import SUBTYPES, PhantomSettings

__all__ = ["SUBTYPES", "Phantom", "PhantomSettings", "make_phantom"]
