-- Ways in: links that set a password once, sign-ins that still lack their second step, the second step itself.
CREATE TABLE entry_links (
    -- SHA-256 of the token in the link.
    token_hash TEXT PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    -- invite, reset
    kind TEXT NOT NULL,
    created_by TEXT NOT NULL,
    created_at_ms BIGINT NOT NULL,
    expires_at_ms BIGINT NOT NULL,
    used_at_ms BIGINT
);
CREATE INDEX entry_links_user ON entry_links (user_id);

-- The password was right, the code is still to come.
CREATE TABLE half_sign_ins (
    token_hash TEXT PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    expires_at_ms BIGINT NOT NULL
);
CREATE INDEX half_sign_ins_expiry ON half_sign_ins (expires_at_ms);

CREATE TABLE second_factors (
    user_id TEXT PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    -- The shared secret, base32.
    secret TEXT NOT NULL,
    created_at_ms BIGINT NOT NULL,
    -- Nothing until the first code was right: then it is asked for.
    confirmed_at_ms BIGINT,
    -- No code of this step or an earlier one is taken again.
    last_step BIGINT NOT NULL
);

CREATE TABLE recovery_codes (
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    -- SHA-256 of the code with its user.
    code_hash TEXT NOT NULL,
    used_at_ms BIGINT,
    PRIMARY KEY (user_id, code_hash)
);

-- How far the token of a program reaches, until when, and when it was last seen.
ALTER TABLE api_tokens ADD COLUMN scope TEXT NOT NULL DEFAULT 'all';
ALTER TABLE api_tokens ADD COLUMN expires_at_ms BIGINT;
ALTER TABLE api_tokens ADD COLUMN seen_at_ms BIGINT;
