"""HAProxy: an edge whose runtime socket moves the weights of its servers and tells what each of them answered."""
