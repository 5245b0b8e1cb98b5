-- When somebody said that a signal is right or wrong: without it nobody sees that a rule got worse.
ALTER TABLE signals ADD COLUMN verdict_at_ms BIGINT;
CREATE INDEX signals_verdict ON signals (verdict_at_ms);

-- What nobody noticed but a person. The words stay with the utterance, so erasing them erases the example too.
CREATE TABLE missed_signals (
    conversation_id TEXT NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
    utterance BIGINT NOT NULL,
    kind TEXT NOT NULL,
    noted_by TEXT NOT NULL,
    at_ms BIGINT NOT NULL,
    PRIMARY KEY (conversation_id, utterance, kind)
);
