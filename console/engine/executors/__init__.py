"""One executor for each kind of step: a coroutine from `Work` to how it ended."""
