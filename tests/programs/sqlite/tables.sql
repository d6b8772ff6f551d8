-- Tables, indices, transactions, triggers and queries on a new database.
CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT NOT NULL, c REAL CHECK (c >= 0));
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)
INSERT INTO t SELECT i, printf('row %05d', i * 7919 % 5000), i / 4.0 FROM n;
CREATE UNIQUE INDEX by_b ON t(b);
SELECT count(*), sum(a), min(b), max(b), avg(c) FROM t;
SELECT * FROM t WHERE b BETWEEN 'row 00010' AND 'row 00013' ORDER BY b DESC;
EXPLAIN QUERY PLAN SELECT a FROM t WHERE b = 'row 00001';
BEGIN;
DELETE FROM t WHERE a % 2;
SELECT count(*) FROM t;
SAVEPOINT inner;
UPDATE t SET b = 'x' || b;
ROLLBACK TO inner;
SELECT min(b) FROM t;
ROLLBACK;
SELECT count(*) FROM t;
CREATE TABLE log(what TEXT);
CREATE TRIGGER watch AFTER UPDATE OF c ON t BEGIN
  INSERT INTO log VALUES (printf('%d: %.2f to %.2f', old.a, old.c, new.c));
END;
UPDATE t SET c = c * 2 WHERE a IN (3, 1000);
SELECT what FROM log;
INSERT OR IGNORE INTO t VALUES (6000, 'row 00001', 1);
INSERT INTO t VALUES (6000, 'new', 0.5) ON CONFLICT DO NOTHING;
SELECT changes(), total_changes() > 5000;
SELECT a % 4 AS k, count(*), group_concat(a, '+') FILTER (WHERE a < 12) FROM t GROUP BY k ORDER BY k;
SELECT a, sum(a) OVER (ORDER BY a ROWS 2 PRECEDING), lag(b) OVER (ORDER BY a) FROM t LIMIT 4;
SELECT json_extract('{"a":[1,{"b":"x"}]}', '$.a[1].b'), json_group_array(a) FROM t WHERE a < 5;
CREATE VIEW heavy AS SELECT b, c FROM t WHERE c > 1249;
SELECT * FROM heavy;
SELECT upper(hex(zeroblob(3))), quote(x'00ff'), typeof(1e0), 9223372036854775807 + 1, substr('wäßrig', 2, 2);
PRAGMA integrity_check;
