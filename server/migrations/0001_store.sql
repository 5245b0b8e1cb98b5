-- The first schema: the log, the erasable texts, and the projections. One text for both engines; {rowkey} is the
-- engine's word for a 64-bit integer primary key in insertion order.

-- The log is the truth. It holds references and hashes, never what somebody said.
CREATE TABLE events (
    position {rowkey},
    stream TEXT NOT NULL,
    sequence BIGINT NOT NULL,
    at_ms BIGINT NOT NULL,
    recorded_ms BIGINT NOT NULL,
    kind TEXT NOT NULL,
    body TEXT NOT NULL,
    protocol_version TEXT NOT NULL,
    rules_version TEXT NOT NULL
);
CREATE UNIQUE INDEX events_stream ON events (stream, sequence);

-- A batch that carried a key: its repeat is answered with the first result.
CREATE TABLE batch_keys (
    key TEXT PRIMARY KEY,
    recorded_ms BIGINT NOT NULL,
    receipt TEXT NOT NULL
);
CREATE INDEX batch_keys_age ON batch_keys (recorded_ms);

CREATE TABLE users (
    id TEXT PRIMARY KEY,
    login TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    team TEXT,
    password_hash TEXT,
    locale TEXT NOT NULL,
    active BOOLEAN NOT NULL,
    created_at_ms BIGINT NOT NULL
);

CREATE TABLE sessions (
    token_hash TEXT PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    csrf TEXT NOT NULL,
    created_at_ms BIGINT NOT NULL,
    expires_at_ms BIGINT NOT NULL,
    seen_at_ms BIGINT NOT NULL,
    user_agent TEXT
);
CREATE INDEX sessions_user ON sessions (user_id);
CREATE INDEX sessions_expiry ON sessions (expires_at_ms);

CREATE TABLE customers (
    id TEXT PRIMARY KEY,
    name TEXT,
    revenue_rank BIGINT,
    growth_rank BIGINT,
    revenue_12m TEXT,
    contract_status TEXT,
    contract_until TEXT,
    personal_terms TEXT,
    manager TEXT,
    mark TEXT,
    created_at_ms BIGINT NOT NULL,
    erased_at_ms BIGINT,
    search TEXT NOT NULL
);

CREATE TABLE customer_contacts (
    kind TEXT NOT NULL,
    value TEXT NOT NULL,
    customer_id TEXT NOT NULL REFERENCES customers (id) ON DELETE CASCADE,
    PRIMARY KEY (kind, value)
);
CREATE INDEX customer_contacts_customer ON customer_contacts (customer_id);

CREATE TABLE purchases (
    customer_id TEXT NOT NULL REFERENCES customers (id) ON DELETE CASCADE,
    bought_on TEXT NOT NULL,
    what TEXT NOT NULL,
    amount TEXT NOT NULL,
    PRIMARY KEY (customer_id, bought_on, what, amount)
);

CREATE TABLE conversations (
    id TEXT PRIMARY KEY,
    channel TEXT NOT NULL,
    status TEXT NOT NULL,
    started_at_ms BIGINT NOT NULL,
    ended_at_ms BIGINT,
    customer_id TEXT REFERENCES customers (id),
    agent_id TEXT REFERENCES users (id),
    agent_name TEXT,
    team TEXT,
    subject TEXT,
    source TEXT,
    source_sha256 TEXT UNIQUE,
    recording_key TEXT,
    sound TEXT,
    note TEXT,
    -- From here on: read off the events, rewritten by a rebuild.
    utterances BIGINT NOT NULL DEFAULT 0,
    heat_last BIGINT NOT NULL DEFAULT 0,
    heat_max BIGINT NOT NULL DEFAULT 0,
    heat_at_ms BIGINT NOT NULL DEFAULT 0,
    calmed_at BIGINT,
    attempts BIGINT NOT NULL DEFAULT 0,
    decision TEXT,
    decision_reason TEXT,
    decision_at_ms BIGINT,
    quote_utterance BIGINT,
    quote_start BIGINT,
    quote_end BIGINT,
    quote_kind TEXT,
    case_id TEXT
);
CREATE INDEX conversations_board ON conversations (status, heat_last DESC, started_at_ms DESC);
CREATE INDEX conversations_started ON conversations (started_at_ms DESC);
CREATE INDEX conversations_customer ON conversations (customer_id, started_at_ms DESC);
CREATE INDEX conversations_case ON conversations (case_id);

CREATE TABLE parties (
    conversation_id TEXT NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
    party BIGINT NOT NULL,
    role TEXT NOT NULL,
    name TEXT,
    tel TEXT,
    email TEXT,
    user_id TEXT,
    PRIMARY KEY (conversation_id, party)
);

-- Erasable: what was said. The log holds the SHA-256 of each text.
CREATE TABLE utterance_texts (
    conversation_id TEXT NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
    utterance BIGINT NOT NULL,
    party TEXT NOT NULL,
    speaker BIGINT,
    start_ms BIGINT NOT NULL,
    end_ms BIGINT NOT NULL,
    text TEXT,
    lemmas TEXT,
    words TEXT,
    PRIMARY KEY (conversation_id, utterance)
);

CREATE TABLE signals (
    conversation_id TEXT NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
    utterance BIGINT NOT NULL,
    number BIGINT NOT NULL,
    kind TEXT NOT NULL,
    party TEXT NOT NULL,
    quote_start BIGINT,
    quote_end BIGINT,
    measured DOUBLE PRECISION,
    confidence BIGINT NOT NULL,
    rule TEXT NOT NULL,
    rules_version TEXT NOT NULL,
    at_ms BIGINT NOT NULL,
    verdict TEXT,
    verdict_by TEXT,
    PRIMARY KEY (conversation_id, utterance, number)
);
CREATE INDEX signals_kind ON signals (kind, at_ms DESC);

CREATE TABLE heat_points (
    conversation_id TEXT NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
    utterance BIGINT NOT NULL,
    at_ms BIGINT NOT NULL,
    value BIGINT NOT NULL,
    causes TEXT NOT NULL,
    PRIMARY KEY (conversation_id, utterance)
);

CREATE TABLE decisions (
    id TEXT PRIMARY KEY,
    conversation_id TEXT NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
    case_id TEXT,
    utterance BIGINT,
    at_ms BIGINT NOT NULL,
    decision TEXT NOT NULL,
    reason TEXT NOT NULL,
    step BIGINT,
    clause TEXT NOT NULL,
    protocol_version TEXT NOT NULL,
    rules_version TEXT NOT NULL,
    evidence TEXT NOT NULL
);
CREATE INDEX decisions_conversation ON decisions (conversation_id, at_ms);
CREATE INDEX decisions_time ON decisions (at_ms);

CREATE TABLE commitments (
    id TEXT PRIMARY KEY,
    conversation_id TEXT NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
    case_id TEXT,
    utterance BIGINT NOT NULL,
    quote_start BIGINT NOT NULL,
    quote_end BIGINT NOT NULL,
    due_at_ms BIGINT,
    due_start BIGINT,
    due_end BIGINT,
    state TEXT NOT NULL,
    closed_at_ms BIGINT
);
CREATE INDEX commitments_conversation ON commitments (conversation_id);
CREATE INDEX commitments_due ON commitments (state, due_at_ms);

CREATE TABLE cases (
    id TEXT PRIMARY KEY,
    number BIGINT NOT NULL UNIQUE,
    version BIGINT NOT NULL,
    conversation_id TEXT REFERENCES conversations (id),
    customer_id TEXT REFERENCES customers (id),
    incident_id TEXT,
    subject TEXT,
    state TEXT NOT NULL,
    stage TEXT NOT NULL,
    priority TEXT NOT NULL,
    owner_id TEXT REFERENCES users (id),
    team TEXT,
    opened_at_ms BIGINT NOT NULL,
    first_response_ms BIGINT,
    due_at_ms BIGINT,
    claimed_until_ms BIGINT NOT NULL DEFAULT 0,
    acknowledged_at_ms BIGINT,
    acknowledged_by TEXT,
    reason TEXT,
    decision TEXT,
    cost TEXT,
    currency TEXT,
    conclusion TEXT,
    closed_at_ms BIGINT,
    closed_by TEXT
);
CREATE INDEX cases_due ON cases (due_at_ms);
CREATE INDEX cases_open ON cases (closed_at_ms, opened_at_ms DESC);
CREATE INDEX cases_owner ON cases (owner_id, closed_at_ms);
CREATE INDEX cases_customer ON cases (customer_id, opened_at_ms DESC);
CREATE INDEX cases_conversation ON cases (conversation_id);

CREATE TABLE case_timeline (
    case_id TEXT NOT NULL REFERENCES cases (id) ON DELETE CASCADE,
    key TEXT NOT NULL,
    at_ms BIGINT NOT NULL,
    actor TEXT,
    kind TEXT NOT NULL,
    text TEXT,
    detail TEXT NOT NULL,
    PRIMARY KEY (case_id, key)
);
CREATE INDEX case_timeline_time ON case_timeline (case_id, at_ms);

CREATE TABLE alerts (
    id TEXT PRIMARY KEY,
    case_id TEXT REFERENCES cases (id),
    conversation_id TEXT REFERENCES conversations (id),
    decision_id TEXT,
    decision TEXT NOT NULL,
    recipient_id TEXT REFERENCES users (id),
    recipient_role TEXT,
    level BIGINT NOT NULL,
    state TEXT NOT NULL,
    repeats BIGINT NOT NULL,
    created_at_ms BIGINT NOT NULL,
    delivered_at_ms BIGINT,
    acknowledged_at_ms BIGINT,
    acknowledged_by TEXT,
    climbs_at_ms BIGINT,
    claimed_until_ms BIGINT NOT NULL DEFAULT 0,
    ended_at_ms BIGINT
);
CREATE INDEX alerts_recipient ON alerts (recipient_id, ended_at_ms, created_at_ms DESC);
CREATE INDEX alerts_open ON alerts (ended_at_ms, created_at_ms DESC);
CREATE INDEX alerts_climb ON alerts (climbs_at_ms);
CREATE INDEX alerts_case ON alerts (case_id);

-- Who did or read what; each row is chained to the one before by its hash.
CREATE TABLE audit (
    position {rowkey},
    at_ms BIGINT NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    object TEXT NOT NULL,
    detail TEXT NOT NULL,
    previous_hash TEXT NOT NULL,
    hash TEXT NOT NULL
);

CREATE TABLE imports (
    sha256 TEXT PRIMARY KEY,
    source TEXT NOT NULL,
    conversation_id TEXT,
    state TEXT NOT NULL,
    error TEXT,
    started_at_ms BIGINT NOT NULL,
    finished_at_ms BIGINT
);

CREATE TABLE settings (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL,
    changed_at_ms BIGINT NOT NULL
);
