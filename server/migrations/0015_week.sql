-- What a resolution cost, each amount by itself: kinds are told apart, currencies are never added together.
CREATE TABLE case_costs (
    case_id TEXT NOT NULL REFERENCES cases (id) ON DELETE CASCADE,
    number BIGINT NOT NULL,
    -- discount, bonus, refund, other; unknown where the resolution was entered before kinds were kept.
    kind TEXT NOT NULL,
    -- Decimal, 0 or more.
    amount TEXT NOT NULL,
    currency TEXT NOT NULL,
    PRIMARY KEY (case_id, number)
);
INSERT INTO case_costs (case_id, number, kind, amount, currency)
    SELECT id, 0, 'unknown', cost, currency FROM cases
    WHERE cost IS NOT NULL AND currency IS NOT NULL AND cost <> '0';
CREATE INDEX cases_closed ON cases (closed_at_ms);
CREATE INDEX alerts_created ON alerts (created_at_ms);
CREATE INDEX case_asks_time ON case_asks (asked_at_ms);

-- Conclusions that somebody has to carry out by a date.
CREATE TABLE tasks (
    id TEXT PRIMARY KEY,
    case_id TEXT REFERENCES cases (id) ON DELETE CASCADE,
    conversation_id TEXT REFERENCES conversations (id) ON DELETE CASCADE,
    -- The reason that is not to come back, by its name in the protocol.
    reason TEXT NOT NULL,
    team TEXT,
    -- What is to be done; empty once the customer is erased.
    what TEXT NOT NULL,
    owner_id TEXT NOT NULL,
    due_at_ms BIGINT NOT NULL,
    made_by TEXT NOT NULL,
    made_at_ms BIGINT NOT NULL,
    -- open, done, dropped.
    state TEXT NOT NULL,
    ended_by TEXT,
    ended_at_ms BIGINT,
    result TEXT
);
CREATE INDEX tasks_open ON tasks (state, due_at_ms);
CREATE INDEX tasks_owner ON tasks (owner_id, state, due_at_ms);
CREATE INDEX tasks_case ON tasks (case_id);

-- What a review meeting says of conversations of a week: noted, decided, looked at.
CREATE TABLE review_items (
    week TEXT NOT NULL,
    conversation_id TEXT NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
    -- Why it is on the list: abusive, lost, instructive; by_hand where a person put it there.
    why TEXT NOT NULL,
    -- The utterance to play from; nothing for the moment the list finds by itself.
    moment BIGINT,
    -- waiting, discussed, skipped.
    state TEXT NOT NULL,
    note TEXT,
    decision TEXT,
    said_by TEXT NOT NULL,
    said_at_ms BIGINT NOT NULL,
    PRIMARY KEY (week, conversation_id)
);
CREATE INDEX review_items_conversation ON review_items (conversation_id);
