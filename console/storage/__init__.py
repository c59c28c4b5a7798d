"""What is kept: the ledger, log files, and how long. Nothing else knows SQL of ours."""
