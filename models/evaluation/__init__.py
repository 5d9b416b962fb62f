"""How good the picture is, and what its bits are worth."""
