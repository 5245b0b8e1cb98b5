-- Recordings on their way to conversations: from watched folders, from object storage, from uploads.
CREATE TABLE recording_queue (
    -- Made of the place: the same file is one row.
    id TEXT PRIMARY KEY,
    -- «inbox», a watched folder, or a bucket with its prefix.
    source TEXT NOT NULL,
    -- The file within its source; empty once the customer is erased.
    place TEXT NOT NULL,
    -- Size and time of the file: another one is another recording.
    version TEXT NOT NULL,
    size_bytes BIGINT NOT NULL,
    -- What was said of the recording with an upload, as JSON; empty when it is done.
    about TEXT NOT NULL,
    -- Higher goes first.
    priority BIGINT NOT NULL,
    -- waiting, working, done, failed, dropped
    state TEXT NOT NULL,
    attempts BIGINT NOT NULL,
    -- Not before this.
    due_ms BIGINT NOT NULL,
    -- Whoever works on it says again and again that it lives.
    claimed_until_ms BIGINT NOT NULL,
    -- How much of it is recognised, in thousandths.
    progress BIGINT NOT NULL,
    reason TEXT,
    conversation_id TEXT,
    queued_at_ms BIGINT NOT NULL,
    begun_at_ms BIGINT,
    ended_at_ms BIGINT
);
CREATE INDEX recording_queue_next ON recording_queue (state, priority DESC, due_ms);
CREATE INDEX recording_queue_ended ON recording_queue (ended_at_ms DESC);
CREATE INDEX recording_queue_conversation ON recording_queue (conversation_id);
