from __future__ import annotations

from client.chat import LINES, PEER_BURST, ChatLog


def test_lines_are_numbered_and_told_once() -> None:
    chat = ChatLog()
    chat.write("Hello", 1_000.0)
    chat.hear("Hello yourself", 2_000.0)
    lines = chat.after(0)
    assert [(line.number, line.mine, line.text) for line in lines] == [
        (1, True, "Hello"),
        (2, False, "Hello yourself"),
    ]
    assert chat.after(1) == lines[1:] and chat.after(2) == []


def test_numbers_go_on_in_the_next_call() -> None:
    chat = ChatLog()
    chat.write("Hello", 0.0)
    chat.clear()
    chat.write("Again", 0.0)
    assert [line.number for line in chat.after(0)] == [2]


def test_of_a_flood_only_the_beginning_is_kept() -> None:
    chat = ChatLog()
    for _ in range(1_000):
        chat.hear("x", 5_000.0)
    assert len(chat.after(0)) == PEER_BURST
    assert chat.refused == 1_000 - PEER_BURST
    chat.hear("later", 6_000.0)
    assert chat.after(0)[-1].text == "later"


def test_old_lines_make_room() -> None:
    chat = ChatLog()
    for number in range(LINES + 5):
        chat.write(str(number), 0.0)
    assert len(chat.after(0)) == LINES
