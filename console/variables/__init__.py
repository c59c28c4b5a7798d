"""Compare what services are to be configured with, what they are, and what they were; and plan the change."""
