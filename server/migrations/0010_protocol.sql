-- Promises: who settled them, when somebody was reminded, when somebody was told that it is late.
ALTER TABLE commitments ADD COLUMN closed_by TEXT;
ALTER TABLE commitments ADD COLUMN reminded_ms BIGINT;
ALTER TABLE commitments ADD COLUMN late_told_ms BIGINT;

-- Every version of the protocol that was in force; the newest is.
CREATE TABLE protocol_versions (
    version TEXT PRIMARY KEY,
    number BIGINT NOT NULL UNIQUE,
    text TEXT NOT NULL,
    comment TEXT NOT NULL,
    published_by TEXT NOT NULL,
    published_at_ms BIGINT NOT NULL
);

-- Who acknowledged having read which version.
CREATE TABLE protocol_reads (
    version TEXT NOT NULL,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    at_ms BIGINT NOT NULL,
    PRIMARY KEY (version, user_id)
);

-- A draft a person.
CREATE TABLE protocol_drafts (
    user_id TEXT PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    text TEXT NOT NULL,
    saved_at_ms BIGINT NOT NULL
);
