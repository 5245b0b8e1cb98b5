-- What a case owes: clocks in working time, the pause while the customer is waited for, questions to departments.
ALTER TABLE cases ADD COLUMN wake_at_ms BIGINT;
ALTER TABLE cases ADD COLUMN paused_until_ms BIGINT;
UPDATE cases SET wake_at_ms = due_at_ms;
CREATE INDEX cases_wake ON cases (wake_at_ms) WHERE closed_at_ms IS NULL;

CREATE TABLE case_clocks (
    case_id TEXT NOT NULL REFERENCES cases (id) ON DELETE CASCADE,
    clock TEXT NOT NULL,
    limit_ms BIGINT NOT NULL,
    calendar TEXT NOT NULL,
    -- Nothing while it stands.
    due_at_ms BIGINT,
    met_at_ms BIGINT,
    -- Working time that was spent when the row was written.
    spent_ms BIGINT NOT NULL,
    written_at_ms BIGINT NOT NULL,
    warned BOOLEAN NOT NULL,
    breached BOOLEAN NOT NULL,
    PRIMARY KEY (case_id, clock)
);
CREATE INDEX case_clocks_breached ON case_clocks (clock, due_at_ms) WHERE breached;

-- The words of question and answer stand in the timeline, under the keys ask-N and answer-N.
CREATE TABLE case_asks (
    case_id TEXT NOT NULL REFERENCES cases (id) ON DELETE CASCADE,
    number BIGINT NOT NULL,
    department TEXT NOT NULL,
    asked_by TEXT,
    asked_at_ms BIGINT NOT NULL,
    due_at_ms BIGINT NOT NULL,
    late BOOLEAN NOT NULL,
    answered_by TEXT,
    answered_at_ms BIGINT,
    PRIMARY KEY (case_id, number)
);
CREATE INDEX case_asks_department ON case_asks (department, answered_at_ms, due_at_ms);

CREATE TABLE case_followers (
    case_id TEXT NOT NULL REFERENCES cases (id) ON DELETE CASCADE,
    user_id TEXT NOT NULL,
    PRIMARY KEY (case_id, user_id)
);
CREATE INDEX case_followers_user ON case_followers (user_id);

-- What an alert is about: the case itself, a clock, a question to a department.
ALTER TABLE alerts ADD COLUMN topic TEXT NOT NULL DEFAULT 'case';
ALTER TABLE alerts ADD COLUMN department TEXT;

-- Hints of the protocol that the agent sees now, as a JSON list of their names.
ALTER TABLE conversations ADD COLUMN hints TEXT;
