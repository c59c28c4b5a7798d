"""The whole product: a playground, a worker, the commands."""
