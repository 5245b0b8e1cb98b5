-- What the customer says of a resolved case, whether they stayed; notes on customers; customers that are one person.
CREATE TABLE case_ratings (
    case_id TEXT PRIMARY KEY REFERENCES cases (id) ON DELETE CASCADE,
    stars BIGINT NOT NULL,
    words TEXT,
    rated_at_ms BIGINT NOT NULL
);
CREATE INDEX case_ratings_time ON case_ratings (rated_at_ms);

-- Nothing while nobody knows.
ALTER TABLE cases ADD COLUMN stayed BOOLEAN;

CREATE TABLE customer_notes (
    id TEXT PRIMARY KEY,
    customer_id TEXT NOT NULL REFERENCES customers (id) ON DELETE CASCADE,
    text TEXT NOT NULL,
    written_by TEXT NOT NULL,
    written_at_ms BIGINT NOT NULL
);
CREATE INDEX customer_notes_customer ON customer_notes (customer_id, written_at_ms DESC);

-- What was moved, as JSON, so that two who were taken for one can be parted again.
CREATE TABLE customer_joins (
    from_id TEXT PRIMARY KEY REFERENCES customers (id) ON DELETE CASCADE,
    into_id TEXT NOT NULL REFERENCES customers (id) ON DELETE CASCADE,
    joined_by TEXT NOT NULL,
    joined_at_ms BIGINT NOT NULL,
    moved TEXT NOT NULL
);
CREATE INDEX customer_joins_into ON customer_joins (into_id);
