package standin

import (
	"context"
	"fmt"
	"time"

	"github.com/emiago/sipgo"
	"github.com/emiago/sipgo/sip"
)

// press presses keys one after the other; it is false when the other side ended the call meanwhile.
func (c *incoming) press(keys []Press) bool {
	for _, p := range keys {
		select {
		case <-time.After(p.After):
		case <-c.dialog.ended:
			return false
		case <-c.endpoint.ctx.Done():
			return true
		}
		if err := c.dialog.sendKey(c.endpoint.ctx, p.Key); err != nil {
			c.endpoint.log.Debug("key not sent", "error", err)
		}
	}
	return true
}

// sendKey tells the other side of a key in an INFO request, as telephones do that do not by RTP.
func (d *dialog) sendKey(ctx context.Context, key byte) error {
	req := d.newRequest(sip.INFO, 0)
	req.AppendHeader(header("Content-Type", "application/dtmf-relay"))
	req.SetBody(fmt.Appendf(nil, "Signal=%c\r\nDuration=160\r\n", key))
	res, err := d.endpoint.do(ctx, req, sipgo.ClientRequestAddVia)
	if err != nil {
		return fmt.Errorf("INFO: %w", err)
	}
	if !res.IsSuccess() {
		return fmt.Errorf("INFO was answered %d %s", res.StatusCode, res.Reason)
	}
	return nil
}
