"""The panel of the module RenalAITraining, one file a tab, and its logic."""
