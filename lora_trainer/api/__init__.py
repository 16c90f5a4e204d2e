"""The HTTP interface under /lora-trainer/v1, for the page and for other programs, on any server made of starlette.

Handlers are plain functions without pydantic, so that they are the same for every version of fastapi. They run in a
few threads of their own: those of the server may all be taken by requests that wait for the host.
"""

from .mount import PREFIX, add_routes
from .private_files import keep_private

__all__ = ["PREFIX", "add_routes", "keep_private"]
