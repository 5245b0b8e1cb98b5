-- Practice: what somebody said to a scripted customer, how it went, what it was worth.
CREATE TABLE practice_sessions (
    id TEXT PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    scenario TEXT NOT NULL,
    started_at_ms BIGINT NOT NULL,
    ended_at_ms BIGINT,
    -- won, lost; nothing while it goes on.
    outcome TEXT,
    points BIGINT,
    -- The lines so far, as JSON.
    turns TEXT NOT NULL
);
CREATE INDEX practice_sessions_user ON practice_sessions (user_id, started_at_ms DESC);
CREATE INDEX practice_sessions_time ON practice_sessions (started_at_ms);
