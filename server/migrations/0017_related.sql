-- What cases have to do with each other, and the documents that belong to them.
ALTER TABLE cases ADD COLUMN merged_into TEXT;
CREATE INDEX cases_merged ON cases (merged_into) WHERE merged_into IS NOT NULL;

-- Each direction is a row of its own: the log of either case says it.
CREATE TABLE case_links (
    case_id TEXT NOT NULL REFERENCES cases (id) ON DELETE CASCADE,
    other_id TEXT NOT NULL,
    linked_by TEXT NOT NULL,
    linked_at_ms BIGINT NOT NULL,
    PRIMARY KEY (case_id, other_id)
);
CREATE INDEX case_links_other ON case_links (other_id);

-- The bytes lie with the recordings, under object_key.
CREATE TABLE case_documents (
    id TEXT PRIMARY KEY,
    case_id TEXT NOT NULL REFERENCES cases (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    media_type TEXT NOT NULL,
    size_bytes BIGINT NOT NULL,
    sha256 TEXT NOT NULL,
    object_key TEXT NOT NULL,
    added_by TEXT NOT NULL,
    added_at_ms BIGINT NOT NULL
);
CREATE INDEX case_documents_case ON case_documents (case_id, added_at_ms);
