;; Throws exceptions that nothing refers to any more, again and again, beside 1.6 GB of tables that each collection searches.
(module
  (tag $e)
  TABLES
  (func (export "throws")
    (loop $on
      (block $caught (result exnref)
        (try_table (catch_all_ref $caught) (throw $e))
        unreachable)
      drop
      (br $on))))
