//! Reads from and writes to the ledger's nodes, believing none of them.
