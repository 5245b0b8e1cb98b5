-- Tokens by which programs use the API in the name of a user. Only their hashes are kept.
CREATE TABLE api_tokens (
    token_hash TEXT PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    created_at_ms BIGINT NOT NULL
);
CREATE INDEX api_tokens_user ON api_tokens (user_id);
