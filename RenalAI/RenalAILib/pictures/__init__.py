"""Pictures of a CT: sections of it, layers over them, which of them show what was found, and PNG."""
