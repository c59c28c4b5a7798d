"""Upload folders into a bucket: once, verified, and the references to them with it."""
