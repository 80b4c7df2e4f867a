"""Commands: what ``renalai WORD`` does, one file a word. Imports of weight wait until a command runs."""
