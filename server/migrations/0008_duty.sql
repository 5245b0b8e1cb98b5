-- Who is on duty when, who stands in for whom, and alerts that were put together because a person had enough of them.
CREATE TABLE duty (
    id TEXT PRIMARY KEY,
    role TEXT NOT NULL,
    -- Nothing: for every team.
    team TEXT,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    from_ms BIGINT NOT NULL,
    until_ms BIGINT NOT NULL,
    made_by TEXT NOT NULL
);
CREATE INDEX duty_time ON duty (until_ms, role);

CREATE TABLE absences (
    id TEXT PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    substitute_id TEXT REFERENCES users (id) ON DELETE SET NULL,
    from_ms BIGINT NOT NULL,
    until_ms BIGINT NOT NULL,
    made_by TEXT NOT NULL
);
CREATE INDEX absences_time ON absences (until_ms, user_id);

-- Sent together with others in one message.
ALTER TABLE deliveries ADD COLUMN bundled BOOLEAN NOT NULL DEFAULT FALSE;
CREATE INDEX deliveries_bundle ON deliveries (created_at_ms) WHERE state = 'bundled';
CREATE INDEX deliveries_sent ON deliveries (user_id, channel, sent_at_ms);
