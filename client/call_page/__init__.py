"""The page of `nerfcall call`: a lobby and a call, served by the participant's own process."""
