-- What was decided before this moment was history when the conversation came in: it alerted nobody.
ALTER TABLE conversations ADD COLUMN history_before_ms BIGINT;
-- How people name a conversation that came from a file: by the file, or by the id that its source gave it.
ALTER TABLE conversations ADD COLUMN file_name TEXT;
ALTER TABLE conversations ADD COLUMN source_id TEXT;
UPDATE conversations SET file_name = replace(source, rtrim(source, replace(source, '/', '')), '') WHERE source IS NOT NULL;
CREATE INDEX conversations_file_name ON conversations (file_name);
CREATE INDEX conversations_source_id ON conversations (source_id);
