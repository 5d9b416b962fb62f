"""The paper's tables and figures for a set of clips: nerfcall beside classic codecs."""
