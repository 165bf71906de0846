package blocklist

import "ringfence/call"

// A listing is packed into one word, so that it is read and exchanged at once:
//
//	bits 0-31 expiry in seconds since 1970, 0 never | 32-39 score | 40-47 category, an index
//	48-49 source | 50-51 list | 63 live
const (
	scoreShift           = 32
	categoryShift        = 40
	sourceShift          = 48
	listShift            = 50
	live          uint64 = 1 << 63
	identity      uint64 = 3<<listShift | 3<<sourceShift // which of a number's entries it is
)

// categories gives each category its index in a packed listing.
var categories = append([]call.Category{call.CategoryNone}, call.Categories...)

// packEntry packs all of a valid entry but its pattern, author, reason and the time it was added.
func packEntry(e *Entry) uint64 {
	v := packKey(e.Key()) | uint64(e.Score)<<scoreShift | live
	for i, c := range categories {
		if c == e.Category {
			v |= uint64(i) << categoryShift
		}
	}
	if !e.Expires.IsZero() {
		v |= uint64(uint32(e.Expires.Unix()))
	}
	return v
}

// packKey packs what tells the entries of one number apart.
func packKey(k Key) uint64 { return uint64(k.List)<<listShift | uint64(k.Source)<<sourceShift }

func listOf(v uint64) call.List     { return call.List(v >> listShift & 3) }
func sourceOf(v uint64) call.Source { return call.Source(v >> sourceShift & 3) }

// countsAt reports whether v is live and not expired at a time in seconds since 1970.
func countsAt(v uint64, now int64) bool {
	expires := int64(uint32(v))
	return v&live != 0 && (expires == 0 || now < expires)
}

func unpackListing(p call.Pattern, v uint64) call.Listing {
	return call.Listing{
		Pattern:  p,
		Category: categories[v>>categoryShift&0xff],
		Score:    uint8(v >> scoreShift),
		Source:   sourceOf(v),
	}
}
