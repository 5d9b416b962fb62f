"""How a speaker file holds feature planes: wavelets, integer contexts, range coding."""
