"""The trainer as an extension of a WebUI: what it needs beside the host's packages, and how it starts there."""
