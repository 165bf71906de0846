// Package report takes the reports of people who were called: key 9 in the menu of a warned call, or
// the feature code dialled later ("report my last caller").
//
// A [Reporter] takes reports without making a call wait. Each goes two ways: into the shared score of
// the number, which all nodes see, and to the reporting centre by a signed webhook. On both ways it
// waits on disk until it has been taken, through restarts and a kill. docs/reports.md describes the
// score, the webhook and what operators can see and do.
package report
