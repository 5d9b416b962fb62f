"""One end of a call: capture, send, receive, render, and the command line."""
