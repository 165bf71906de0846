// Package media is the sound of a call: it reads and writes SDP descriptions, codes G.711, and
// runs the RTP stream of a user agent that plays a tone and then sends back what it hears.
package media
