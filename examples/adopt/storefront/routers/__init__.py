"""The routers of the storefront."""
