// Package blocklist says who is listed. It has two sides.
//
// A Store is the source of truth: Redis, which all nodes of a site share, or a single file for a
// site with one node. Every change of it carries who made it, when and why, is made as a whole or
// not at all, and is kept in a short history.
//
// A Mirror is what calls read: the whole list in the memory of one node, compact and lock-free, fed
// by the changes of a Store. It goes on with the last known list when the store is away, and keeps
// a copy on disk so that a node starts with a list before its store answers.
package blocklist
