-- The library: what a coach says of conversations that were proposed as good examples.
CREATE TABLE library_entries (
    conversation_id TEXT PRIMARY KEY REFERENCES conversations (id) ON DELETE CASCADE,
    -- confirmed, rejected.
    state TEXT NOT NULL,
    note TEXT,
    judged_by TEXT NOT NULL,
    judged_at_ms BIGINT NOT NULL
);
CREATE INDEX library_entries_state ON library_entries (state, judged_at_ms DESC);
