-- Verdicts that a clerk may overrule, and what was decided: without a word about whom. The nonce is kept until the
-- decision only, to be used up by it.
CREATE TABLE clerk_decision (
    outcome    TEXT PRIMARY KEY NOT NULL,
    log        INTEGER NOT NULL REFERENCES verdict_log (id),
    request    TEXT,
    nonce      TEXT NOT NULL,
    until      INTEGER NOT NULL,
    decision   TEXT,
    decided_at INTEGER
) STRICT;

ALTER TABLE verdict_log ADD COLUMN clerk TEXT;
