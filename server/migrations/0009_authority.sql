-- What people granted customers, by which authority, and what they asked to be allowed.
CREATE TABLE authority_uses (
    id TEXT PRIMARY KEY,
    authority TEXT NOT NULL,
    case_id TEXT,
    conversation_id TEXT REFERENCES conversations (id) ON DELETE CASCADE,
    customer_id TEXT,
    utterance BIGINT,
    user_id TEXT,
    role TEXT NOT NULL,
    -- Decimal, in the unit of the authority.
    amount TEXT NOT NULL,
    most TEXT NOT NULL,
    -- used, spoken, requested, approved, refused.
    state TEXT NOT NULL,
    reason TEXT,
    at_ms BIGINT NOT NULL,
    answered_by TEXT,
    answered_at_ms BIGINT,
    answer TEXT
);
CREATE INDEX authority_uses_time ON authority_uses (at_ms);
CREATE INDEX authority_uses_customer ON authority_uses (customer_id, authority, at_ms);
CREATE INDEX authority_uses_conversation ON authority_uses (conversation_id);
CREATE INDEX authority_uses_open ON authority_uses (at_ms) WHERE state = 'requested';

-- What the auditor found: each fault once, with when it was seen first and last.
CREATE TABLE findings (
    key TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    object TEXT NOT NULL,
    first_seen_ms BIGINT NOT NULL,
    last_seen_ms BIGINT NOT NULL,
    gone_at_ms BIGINT
);
CREATE INDEX findings_open ON findings (first_seen_ms) WHERE gone_at_ms IS NULL;
