"""Who somebody is: the key of an owner, what it signs, and what others remember of it."""
