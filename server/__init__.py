"""The signaling server: rooms, pairing, speaker files, the page."""
