"""What masks hold: connected domains, kidneys, masses, and what can be measured in them."""
