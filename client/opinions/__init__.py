"""The page of the subjective test, and the small server behind it."""
