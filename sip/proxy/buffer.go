package proxy

import "math/bits"

// buffers keeps the memory of messages that transactions hold, in powers of two from 512 bytes to
// 64 KiB, and hands it out again.
type buffers struct {
	free [8][][]byte
}

const minBufferBits = 9

// maxFree bounds the bytes kept for reuse in each size, so that a burst does not stay for ever.
const maxFree = 16 << 20

// hold returns a buffer with a copy of data.
func (b *buffers) hold(data []byte) []byte {
	class := classOf(len(data))
	if list := b.free[class]; len(list) > 0 {
		buf := list[len(list)-1]
		b.free[class] = list[:len(list)-1]
		return append(buf[:0], data...)
	}
	return append(make([]byte, 0, 1<<(class+minBufferBits)), data...)
}

// release takes a buffer that hold returned back; nil is left alone.
func (b *buffers) release(buf []byte) {
	if buf == nil {
		return
	}
	class := classOf(cap(buf))
	if len(b.free[class])<<(class+minBufferBits) < maxFree {
		b.free[class] = append(b.free[class], buf[:0])
	}
}

func classOf(n int) int {
	return max(0, bits.Len(uint(max(n, 1)-1))-minBufferBits)
}
