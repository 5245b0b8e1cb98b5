-- The list of open cases by what falls due next, without sorting all of them.
CREATE INDEX cases_open_due ON cases ((COALESCE(due_at_ms, 9007199254740991)), opened_at_ms DESC, id)
    WHERE closed_at_ms IS NULL;
