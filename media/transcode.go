package media

// The codes of one law in the other.
var muToA, aToMu = buildTranscoding(PCMU, PCMA), buildTranscoding(PCMA, PCMU)

func buildTranscoding(from, to Codec) (table [256]byte) {
	for code := range table {
		table[code] = to.Encode(from.Decode(byte(code)))
	}
	return table
}

// transcode turns codes of a law into the other law's, in place.
func transcode(codes []byte, from Codec) {
	table := &muToA
	if from == PCMA {
		table = &aToMu
	}
	for i, code := range codes {
		codes[i] = table[code]
	}
}

func fillSilence(payload []byte, codec Codec) {
	silence := codec.Silence()
	for i := range payload {
		payload[i] = silence
	}
}
