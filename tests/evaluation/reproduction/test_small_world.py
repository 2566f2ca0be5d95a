from pydantic import TypeAdapter

from ichnos.evaluation.reproduction.small_world import SMALL_WORLD, WHOLE_WORLD
from ichnos.phantoms import SUBTYPES, PhantomSettings


def test_worlds_are_settings_of_phantoms():
    small, whole = (TypeAdapter(PhantomSettings).validate_python(world) for world in (SMALL_WORLD, WHOLE_WORLD))
    assert set(small.subtypes) < set(SUBTYPES)
    assert not small.distractors
    assert whole.subtypes == SUBTYPES
