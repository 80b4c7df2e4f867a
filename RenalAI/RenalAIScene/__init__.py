"""RenalAI in an MRML scene: volumes out of it, results into it and back. No Qt, no torch."""
