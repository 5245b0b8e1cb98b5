-- One cause behind several customers' trouble. The id is the engine's number, the number is what people say.
CREATE TABLE incidents (
    id BIGINT PRIMARY KEY,
    number BIGINT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    title TEXT,
    opened_at_ms BIGINT NOT NULL,
    last_at_ms BIGINT NOT NULL,
    closed_at_ms BIGINT,
    closed_by TEXT,
    conclusion TEXT
);
CREATE INDEX incidents_open ON incidents (closed_at_ms, last_at_ms DESC);

-- A conversation may be written a moment after the incident that names it: no reference here.
CREATE TABLE incident_members (
    incident_id BIGINT NOT NULL REFERENCES incidents (id) ON DELETE CASCADE,
    conversation_id TEXT NOT NULL,
    utterance BIGINT NOT NULL,
    at_ms BIGINT NOT NULL,
    PRIMARY KEY (incident_id, conversation_id)
);
CREATE INDEX incident_members_conversation ON incident_members (conversation_id);

-- What its customers were told, with one text.
CREATE TABLE incident_words (
    incident_id BIGINT NOT NULL REFERENCES incidents (id) ON DELETE CASCADE,
    at_ms BIGINT NOT NULL,
    told_by TEXT NOT NULL,
    cases BIGINT NOT NULL,
    text TEXT NOT NULL,
    PRIMARY KEY (incident_id, at_ms)
);
