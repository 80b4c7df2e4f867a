"""Files as they should be: there whole or not at all, small where empty, harmless in a spreadsheet."""
