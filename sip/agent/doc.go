// Package agent holds the SIP user agents of treated calls: it is a back-to-back user agent inside the gateway,
// whose only peer is the proxy core.
//
//	trunk ── proxy core ──┬── wire in memory ── caller's leg ── treatment ── called leg ── wire ──┬── proxy core ── PBX
//	                      └──────────────── messages never leave but through the core ──────────┘
//
// The core has decided that a call is to be treated and hands its record over (Take); its INVITE follows on the
// wire. What is said on each leg, and when, is decided by package treatment; the legs here know how it is said:
// transactions, dialogs, reliable provisional responses (RFC 3262), UPDATE (RFC 3311), REFER (RFC 3515), session
// timers (RFC 4028), forking, retransmission, glare.
//
// All of a call runs on one goroutine, which ends with it. Messages, timers and the media engine put what they
// have into its mailbox. A fault ends the call, and not the process.
//
// Messages and transactions are sipgo's; its transport layer, its server and its dialogs are not used. They hand
// each message to a goroutine of its own, so that a BYE can overtake the ACK before it, answer a CANCEL by
// themselves, follow no more than ten provisional responses, and log whole messages.
package agent
