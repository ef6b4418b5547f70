-- As waiting_keys, which stays for builds that do not know this one, with the rank of the first task that is
-- there. While an old snapshot is open, a key's first entries in the index are of tasks that are long gone, as
-- many as were claimed since. A claim that begins at this rank has to step over them once and not twice.
CREATE FUNCTION workflows.waiting_fronts(in_lane integer, after bigint, wanted bigint)
    RETURNS TABLE (key bigint, turn integer, rank bigint)
    LANGUAGE sql STABLE ROWS 10
BEGIN ATOMIC
    (WITH RECURSIVE hop AS (
        (SELECT r.key, r.rank FROM workflows.ready r
         WHERE r.lane = in_lane AND r.key > after ORDER BY r.key, r.rank LIMIT 1)
        UNION ALL
        SELECT next.key, next.rank FROM hop CROSS JOIN LATERAL (
            SELECT r.key, r.rank FROM workflows.ready r
            WHERE r.lane = in_lane AND r.key > hop.key ORDER BY r.key, r.rank LIMIT 1) next)
     SELECT hop.key, 1, hop.rank FROM hop LIMIT wanted)
    UNION ALL
    (WITH RECURSIVE hop AS (
        (SELECT r.key, r.rank FROM workflows.ready r
         WHERE r.lane = in_lane AND r.key <= after ORDER BY r.key, r.rank LIMIT 1)
        UNION ALL
        SELECT next.key, next.rank FROM hop CROSS JOIN LATERAL (
            SELECT r.key, r.rank FROM workflows.ready r
            WHERE r.lane = in_lane AND r.key > hop.key AND r.key <= after
            ORDER BY r.key, r.rank LIMIT 1) next)
     SELECT hop.key, 2, hop.rank FROM hop LIMIT wanted)
    LIMIT wanted;
END;
COMMENT ON FUNCTION workflows.waiting_fronts IS
    'The keys that have something ready in a lane, each with its lowest rank: those behind a key (turn 1), then the others (turn 2).';
