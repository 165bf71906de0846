package treatment

// keyVideo is what the person called presses to accept the video that the caller offered.
const keyVideo = '#'

// offerVideo lets video pass once the person called asks for it, if the caller offered any: first she is
// offered it, and if she takes it, the caller. It goes from telephone to telephone, as media.Party says.
func (c *Call) offerVideo() {
	if !c.env.Options.Warn.VideoByKey || c.called.party.Video || c.negotiating(c.called) || !c.caller.far.HasVideo() {
		return
	}
	c.setVideo(true)
	offer, err := c.called.party.Relay(c.caller.far.Description)
	if err != nil {
		c.setVideo(false)
		return
	}
	c.ask(c.called, offer, func(status int) {
		if status != 200 || !c.called.far.HasVideo() {
			c.setVideo(false)
			return
		}
		c.offerCallerVideo()
	})
}

// offerCallerVideo offers the caller what the person called has taken.
func (c *Call) offerCallerVideo() {
	offer, err := c.caller.party.Relay(c.called.far.Description)
	if err != nil {
		c.setVideo(false)
		c.repeatVideo()
		return
	}
	c.ask(c.caller, offer, func(status int) {
		c.setVideo(status == 200 && c.caller.far.HasVideo())
		c.repeatVideo()
	})
}

// repeatVideo tells the person called where the caller wants the video, which need not be where she first
// offered it; or that she does not take it after all.
func (c *Call) repeatVideo() {
	if offer, err := c.called.party.Relay(c.caller.far.Description); err == nil {
		c.ask(c.called, offer, func(int) {})
	}
}

func (c *Call) setVideo(on bool) { c.caller.party.Video, c.called.party.Video = on, on }
