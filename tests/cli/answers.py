"""What a command printed."""

import json


def answer(capsys):
    """The JSON object in the last line of what was printed."""
    return json.loads(capsys.readouterr().out.splitlines()[-1])
