"""The WebUI's scripts, none of which is there."""

scripts_data = []


class ScriptRunner:
    """No script runs before, while or after a picture is drawn."""
