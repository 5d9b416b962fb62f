"""Face states to bytes and back: quantisation, prediction, entropy coding, wire format."""
