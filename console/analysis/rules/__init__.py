"""What the judge asks of the evidence, one question a module."""
