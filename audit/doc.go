// Package audit is the call log: one record per call attempt, appended off the call path, chained by
// hash, searchable, and never silently dropped.
//
// A [Log] takes records through a bounded queue in memory. One goroutine commits them in batches to
// SQLite. While the database is locked, full, missing or failing, records go to a spool file and are
// loaded in order when it works again, also after a crash. Every record carries its number in the run of
// the gateway, so that none is stored twice and a missing one is seen. What a crash or power failure can
// lose is what was appended within the last Options.Interval, and while the batch before it is written.
//
// Records are chained: each hash covers the one before it. What names a person is kept beside the
// chain and only committed to by it, so that it can be erased and the chain still verifies. Searching reads
// the keys of all records, 38 bytes each, and then those records whose keys fit: docs/adr/0007 says why. The
// format is described for auditors in docs/audit-format.md.
package audit
