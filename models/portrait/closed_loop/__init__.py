"""The sender's closed loop: it draws what the receiver will draw, and corrects what it sends."""
