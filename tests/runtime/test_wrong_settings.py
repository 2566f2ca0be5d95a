from pathlib import Path

import pytest
from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from ichnos.runtime.wrong_settings import explain


class Inner(BaseModel):
    model_config = ConfigDict(extra="forbid")
    width: int = 1
    path: Path | None = None

    @field_validator("width")
    @classmethod
    def _odd(cls, width):
        if width % 2 == 0:
            raise ValueError("must be odd")
        return width


class Outer(BaseModel):
    model_config = ConfigDict(extra="forbid")
    inner: Inner | None = None
    several: list[Inner] = []
    needed: int


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ({"needed": 1, "inner": {"widths": 3}}, "top.inner.widths is not a setting; did you mean 'width'?"),
        ({"needed": 1, "several": [{"zzz": 3}]}, "top.several.0.zzz is not a setting; known keys: width, path"),
        ({}, "top.needed is missing"),
        ({"needs": 1}, "top.needs is not a setting; did you mean 'needed'?"),
        ({"needed": 1, "inner": {"width": 2}}, "top.inner.width: must be odd"),
        ({"needed": "many"}, "top.needed = 'many': Input should be a valid integer"),
    ],
)
def test_one_line_says_what_is_wrong(content, line):
    with pytest.raises(ValidationError) as caught:
        Outer.model_validate(content)
    assert explain(caught.value, Outer, "top").startswith(line)
