"""What each page weighs, uncompressed: everything that it loads, following its imports."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

WEB = Path(__file__).parent.parent.parent / "web"
MAX_BYTES = 100_000
PAGES = ("", "call", "compare", "enrol", "opinions", "replay")
LINK = re.compile(r"""(?:src|href)="([^"#:?]+\.(?:js|css|svg))\"""")
IMPORT = re.compile(r"""from "(\.[^"]+)\"""")


def loaded(page: str) -> set[Path]:
    """The files of a page. Pages that are served with others' files name them from `web`."""
    index = WEB / page / "index.html"
    text = index.read_text()
    base = WEB if page and f'src="{page}/' in text else index.parent
    waiting = [base / name for name in LINK.findall(text)]
    files = {index}
    while waiting:
        path = waiting.pop().resolve()
        if path in files:
            continue
        files.add(path)
        if path.suffix == ".js":
            waiting += [path.parent / name for name in IMPORT.findall(path.read_text())]
    return files


@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_light(page: str) -> None:
    files = loaded(page)
    assert len(files) > 3
    sizes = {path.name: path.stat().st_size for path in files}
    assert sum(sizes.values()) <= MAX_BYTES, sizes
