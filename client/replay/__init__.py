"""A recorded call, shown again on a page of this machine, picture by picture as it asks."""
