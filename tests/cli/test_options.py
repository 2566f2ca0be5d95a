from typing import get_args

import pytest
from typer.main import get_command

from ichnos.cli import options
from ichnos.cli.app import app


@pytest.mark.parametrize(("name", "flags"), [("Output", ("-o", "--output")), ("Device", ("-d", "--device"))])
def test_shared_options_have_the_flags_of_the_manners(name, flags):
    option = get_args(getattr(options, name))[1]
    assert (option.default, *option.param_decls) == flags or option.param_decls == flags


def test_commands_that_write_share_one_output_option():
    commands = get_command(app).commands
    outputs = {
        name: option.opts
        for name, command in commands.items()
        for option in command.params
        if option.name == "output" and name != "cohort"
    }
    assert {"segment", "train", "evidence", "reproduce"} <= set(outputs)
    assert {tuple(opts) for opts in outputs.values()} == {("-o", "--output")}
