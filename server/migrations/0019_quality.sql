-- Quality cards: what a reviewer, and the form by itself, say of a conversation; the appeal of the agent.
CREATE TABLE quality_cards (
    id TEXT PRIMARY KEY,
    conversation_id TEXT NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
    form TEXT NOT NULL,
    form_version BIGINT NOT NULL,
    reviewer_id TEXT NOT NULL,
    -- Answers by question, as JSON: what was answered, by whom, why.
    answers TEXT NOT NULL,
    -- 0–100; nothing where no question applied.
    score BIGINT,
    comment TEXT,
    made_at_ms BIGINT NOT NULL,
    -- given, appealed, settled.
    state TEXT NOT NULL,
    -- Against which answer, why, and what was said to it.
    appeal_question TEXT,
    appeal TEXT,
    appealed_at_ms BIGINT,
    settled_by TEXT,
    settled_at_ms BIGINT,
    settled_words TEXT,
    score_before BIGINT
);
CREATE UNIQUE INDEX quality_cards_one ON quality_cards (conversation_id, form, reviewer_id);
CREATE INDEX quality_cards_time ON quality_cards (made_at_ms);
