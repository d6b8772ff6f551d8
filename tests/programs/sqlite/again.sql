-- What the first script left is there; a large transaction is rolled back from its journal, and space is given back.
SELECT count(*), (SELECT count(*) FROM log) FROM t;
PRAGMA page_count;
BEGIN;
WITH RECURSIVE n(i) AS (SELECT 10000 UNION ALL SELECT i + 1 FROM n WHERE i < 30000)
INSERT INTO t SELECT i, printf('more %d %s', i, hex(zeroblob(40))), i FROM n;
SELECT count(*) FROM t;
ROLLBACK;
SELECT count(*) FROM t;
DELETE FROM t WHERE a > 100;
VACUUM;
PRAGMA page_count;
ATTACH '/second.db' AS second;
CREATE TABLE second.copy AS SELECT * FROM t WHERE a <= 3;
SELECT * FROM second.copy;
DETACH second;
PRAGMA integrity_check;
