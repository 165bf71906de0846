package wire

// Method is a SIP method the gateway knows by name; any other is MethodOther.
type Method uint8

// The methods.
const (
	MethodOther Method = iota
	MethodInvite
	MethodAck
	MethodCancel
	MethodBye
	MethodOptions
	MethodRegister
	MethodUpdate
	MethodInfo
	MethodPrack
	MethodRefer
	MethodNotify
	MethodSubscribe
	MethodMessage
	MethodPublish
)

var methodNames = [...]string{
	"", "INVITE", "ACK", "CANCEL", "BYE", "OPTIONS", "REGISTER", "UPDATE", "INFO", "PRACK", "REFER", "NOTIFY",
	"SUBSCRIBE", "MESSAGE", "PUBLISH",
}

// String is the method's name, empty for MethodOther.
func (m Method) String() string { return methodNames[m] }

// methodOf finds a method by its name, whose case matters (RFC 3261 §7.1).
func methodOf(name []byte) Method {
	for i := 1; i < len(methodNames); i++ {
		if string(name) == methodNames[i] {
			return Method(i)
		}
	}
	return MethodOther
}
