"""Run a real plan against stand-ins for the platforms, which know what the real ones report and change nothing."""
