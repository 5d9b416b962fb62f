"""The subjective test: stimuli and pairs, who sees them how, their votes, and what these say."""
