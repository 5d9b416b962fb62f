"""Runs the page's unit tests (`*.test.mjs`) under node, which the demo's npm brings along."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

HERE = Path(__file__).parent


def test_the_pages_modules_pass_their_tests_under_node() -> None:
    node = shutil.which("node")
    assert node is not None, "expected node (it comes with npm), got none on the PATH"
    tests = sorted(str(path) for path in HERE.glob("*.test.mjs"))
    assert tests
    result = subprocess.run([node, "--test", *tests], capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stdout + result.stderr
