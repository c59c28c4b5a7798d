"""Supabase: projects through the Management API, their databases through SQL."""
