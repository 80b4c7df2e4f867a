"""Training samples made from real scans, real shapes and phantoms, with the truth exact and every part seeded."""
