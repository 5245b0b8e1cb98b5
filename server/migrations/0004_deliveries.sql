-- Alerts beyond the page: how each person is reached, and the outbox.

-- People name an alert by its number, and so does every message about it.
ALTER TABLE alerts ADD COLUMN number BIGINT;
CREATE TABLE alert_numbers (id TEXT PRIMARY KEY, number BIGINT NOT NULL);
INSERT INTO alert_numbers (id, number) SELECT id, ROW_NUMBER() OVER (ORDER BY created_at_ms, id) FROM alerts;
UPDATE alerts SET number = (SELECT n.number FROM alert_numbers n WHERE n.id = alerts.id);
DROP TABLE alert_numbers;
CREATE UNIQUE INDEX alerts_number ON alerts (number);
-- What was said too long ago to call anybody for it: history that was imported.
ALTER TABLE alerts ADD COLUMN page_only BOOLEAN NOT NULL DEFAULT FALSE;
-- What people say of an alert.
ALTER TABLE alerts ADD COLUMN verdict TEXT;
ALTER TABLE alerts ADD COLUMN verdict_reason TEXT;
ALTER TABLE alerts ADD COLUMN verdict_by TEXT;

CREATE TABLE user_channels (
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    channel TEXT NOT NULL,
    address TEXT NOT NULL,
    active BOOLEAN NOT NULL,
    changed_at_ms BIGINT NOT NULL,
    PRIMARY KEY (user_id, channel)
);
-- One chat is one person.
CREATE UNIQUE INDEX user_channels_chat ON user_channels (address) WHERE channel = 'telegram';

CREATE TABLE quiet_hours (
    user_id TEXT PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    from_minute BIGINT NOT NULL,
    to_minute BIGINT NOT NULL
);

-- One-time codes that link a chat to a person. Only their hashes are kept.
CREATE TABLE link_codes (
    code_hash TEXT PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    expires_at_ms BIGINT NOT NULL
);

CREATE TABLE snoozes (
    alert_id TEXT NOT NULL REFERENCES alerts (id) ON DELETE CASCADE,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    until_ms BIGINT NOT NULL,
    PRIMARY KEY (alert_id, user_id)
);

-- The outbox: one row per alert, person and channel. The company's own channels have no person.
CREATE TABLE deliveries (
    alert_id TEXT NOT NULL REFERENCES alerts (id) ON DELETE CASCADE,
    user_id TEXT NOT NULL,
    channel TEXT NOT NULL,
    state TEXT NOT NULL,
    -- How often the alert was given to the person; from the second on it is a repeat.
    round BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    -- Attempts that are known not to have arrived. Of one that a crash or a timeout cut off it is not known.
    missed BIGINT NOT NULL,
    created_at_ms BIGINT NOT NULL,
    next_try_ms BIGINT NOT NULL,
    claimed_until_ms BIGINT NOT NULL,
    sent_at_ms BIGINT,
    error TEXT,
    -- The name of the message at the other side, where it can be changed later.
    external TEXT,
    -- The message has to be changed: somebody has answered.
    edit_due BOOLEAN NOT NULL,
    PRIMARY KEY (alert_id, user_id, channel)
);
CREATE INDEX deliveries_due ON deliveries (channel, next_try_ms) WHERE state IN ('waiting', 'failed');
CREATE INDEX deliveries_edit ON deliveries (channel) WHERE edit_due;
CREATE INDEX deliveries_dead ON deliveries (created_at_ms) WHERE state IN ('failed', 'dead');

-- What only one node may do at a time.
CREATE TABLE leases (
    name TEXT PRIMARY KEY,
    holder TEXT NOT NULL,
    until_ms BIGINT NOT NULL
);
