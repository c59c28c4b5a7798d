"""What is kept: the ledger (events, controls, locks, measurements, audit) and log files. Nothing else knows SQL of ours."""
