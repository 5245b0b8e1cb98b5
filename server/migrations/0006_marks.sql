-- Until when a mark of the abuse ladder holds: people have bad days. Nothing: until somebody takes it away.
ALTER TABLE customers ADD COLUMN mark_until_ms BIGINT;
CREATE INDEX customers_mark_until ON customers (mark_until_ms);
