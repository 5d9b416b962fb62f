"""`python -m server`: the same as `nerfcall serve`."""

from __future__ import annotations

import typer

from server.cli import serve

if __name__ == "__main__":
    typer.run(serve)
