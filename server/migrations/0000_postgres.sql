-- PostgreSQL only: the table function that SQLite has built in, so that bulk statements have one text.
CREATE FUNCTION json_each(rows TEXT) RETURNS TABLE (key BIGINT, value JSON) LANGUAGE SQL IMMUTABLE STRICT AS
$$ SELECT number - 1, element FROM json_array_elements(CAST(rows AS JSON)) WITH ORDINALITY AS list (element, number) $$;
