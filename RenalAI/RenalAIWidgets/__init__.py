"""The panel of the module RenalAI: one controller a section, and the logic they call."""
