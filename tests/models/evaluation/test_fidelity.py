"""What the fast way of drawing costs a real face."""

from __future__ import annotations

from pathlib import Path

from models.evaluation.fidelity import measure_fidelity
from models.evaluation.recording import ClipPart, code_frames
from models.portrait.speaker import load_speaker

SIZE = 128


def test_the_kernels_draw_what_torch_draws_and_lose_nothing(
    real_speaker: Path, talking_clip: Path
) -> None:
    speaker = load_speaker(real_speaker)
    part = ClipPart.of(talking_clip, slice(200, 206))
    seen = [
        (frame.state, frame.portrait)
        for coded in code_frames(part, speaker, portrait_size=SIZE)
        for frame in coded.frames
        if frame.state is not None and frame.portrait is not None
    ]
    told = []
    fidelity = measure_fidelity(
        speaker,
        [state for state, _ in seen],
        [portrait for _, portrait in seen],
        "cpu",
        lambda what, done, total: told.append((done, total)),
    )
    assert fidelity is not None, "the kernels draw on every machine of the tests"
    assert fidelity.twin_db > 50.0
    assert abs(fidelity.lost_db) < 0.05
    assert told[-1] == (len(seen), len(seen))
