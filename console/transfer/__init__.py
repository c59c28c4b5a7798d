"""Data and files on their way to where a product will live from now on."""
