"""Long work on data, each piece in a process of its own that the engine starts, hears and ends."""
