"""Which kinds of providers do what in a configuration. Their names alone: no adapter is loaded for them."""

ROUTER_KINDS = frozenset({"caddy", "haproxy", "cloudflare"})
PAGE_KINDS = frozenset({"caddy"})
DATABASE_KINDS = frozenset({"supabase", "postgres"})
ARM_KINDS = frozenset({"render", "local"})
SOURCE_KINDS = frozenset({"github"})
VARIABLE_KINDS = frozenset({"render", "vercel"})
PROJECT_KINDS = frozenset({"supabase"})
