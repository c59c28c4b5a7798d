"""The control planes of Render, Vercel, Supabase and GitHub, played on loopback.

They answer what the platforms' own documents allow and behave over time; `build_emulators` in `build` makes all four.
"""
