"""What goes over the wire: bodies and answers of the routes as types, for server, specification and client alike.

A body is a dataclass whose fields all have defaults; an answer is a TypedDict. Nothing here does anything.
"""

PREFIX = "/lora-trainer/v1"
"""What the paths of all routes begin with."""
