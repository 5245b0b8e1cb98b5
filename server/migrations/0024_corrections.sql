-- What people corrected in a transcript: party and words of an utterance.

-- The words as they were judged, where they were corrected since: decisions and promises quote these.
ALTER TABLE utterance_texts ADD COLUMN heard TEXT;

-- How an utterance was before each correction, to go back to. Erased with the words.
CREATE TABLE corrections (
    conversation_id TEXT NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
    utterance BIGINT NOT NULL,
    number BIGINT NOT NULL,
    at_ms BIGINT NOT NULL,
    by_user TEXT NOT NULL,
    party TEXT NOT NULL,
    text TEXT,
    words TEXT,
    heard TEXT,
    -- Its signals, as JSON.
    signals TEXT NOT NULL,
    undone_at_ms BIGINT,
    PRIMARY KEY (conversation_id, utterance, number)
);
