"""How packets and control messages travel between a speaker and a renderer."""
