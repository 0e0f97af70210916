//! Bounded HTTP edges shared by the services: a TLS-capable listener and a size-limited client.
