"""Issues that users report, counted by a service like Sentry or collected in a file."""
