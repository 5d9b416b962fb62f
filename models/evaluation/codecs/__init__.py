"""Other ways to code the same pictures: classic video codecs, and any further one by command."""
