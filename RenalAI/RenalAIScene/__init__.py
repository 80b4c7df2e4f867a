"""RenalAI in an MRML scene: volumes out of it, results into it and back. No Qt, no torch; the module's widgets stand on it."""
