// Package console is the gateway's HTTP side for operators: whether it is alive, whether it can take
// calls, and what it counts. It knows nothing of calls: what it shows is handed in as checks and
// metrics. It has no log-in; the address it listens on is to be kept from the public.
package console
