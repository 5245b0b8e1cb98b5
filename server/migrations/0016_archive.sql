-- The archive: every conversation has a place in the order of time, every utterance is found by its words.

-- Seconds since 1970 times 4096, and a number among those of one second: the order in which results come and pages go
-- on. With the number of an utterance beneath it, it names that utterance.
ALTER TABLE conversations ADD COLUMN archive_key BIGINT;
UPDATE conversations SET archive_key = placed.archive_key
FROM (SELECT id, number + MAX(base - number) OVER (ORDER BY base, id) AS archive_key
      FROM (SELECT id, base, ROW_NUMBER() OVER (ORDER BY base, id) AS number
            FROM (SELECT id, CASE WHEN started_at_ms > 8000000000000 THEN 8000000000
                                  WHEN started_at_ms < -8000000000000 THEN -8000000000
                                  ELSE started_at_ms / 1000 END * 4096 AS base FROM conversations) AS dated) AS numbered) AS placed
WHERE placed.id = conversations.id;
CREATE UNIQUE INDEX conversations_archive ON conversations (archive_key);

-- 0 was just said or changed, 1 is from before there was an index, 2 is in the index as the lemmas say.
ALTER TABLE utterance_texts ADD COLUMN indexing BIGINT NOT NULL DEFAULT 1;
CREATE INDEX utterance_texts_unindexed ON utterance_texts (indexing) WHERE indexing < 2;

-- The index itself, by the means of the engine. It holds no words, only the numbers of lemmas.
{archive}
