package agent

import (
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync/atomic"
)

// Stats are the totals of an Agent since it began, but for Calls.
type Stats struct {
	Calls     int    // treated at this moment, those taken whose INVITE has not come included
	Taken     uint64 // calls taken
	Full      uint64 // calls not taken because there was no room
	Panics    uint64 // faults that ended a call, or dropped a message
	Malformed uint64 // messages of the core that were dropped
	Overflow  uint64 // messages dropped or refused because too many were waiting
}

// counts are the live counters behind Stats.
type counts struct {
	log                                      *slog.Logger
	taken, full, panics, malformed, overflow atomic.Uint64
}

// recovered, deferred, has a panic end what it interrupted, and nothing else.
func (c *counts) recovered() {
	if fault := recover(); fault != nil {
		c.fault(fault)
	}
}

func (c *counts) fault(fault any) {
	c.panics.Add(1)
	c.log.Error("a fault in a treated call", "panic", fmt.Sprint(fault), "stack", string(debug.Stack()))
}
