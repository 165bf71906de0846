package call

import (
	"encoding/json"
	"fmt"
)

// verdictJSON is the stored form of a Verdict: the treatment as its name, its fields beside it.
type verdictJSON struct {
	Treatment string          `json:"treatment"`
	Detail    json.RawMessage `json:"detail,omitempty"`
	Rule      string          `json:"rule"`
	Reason    Reason          `json:"reason"`
	Category  Category        `json:"category,omitempty"`
	Score     int             `json:"score,omitempty"`
	Match     Match           `json:"match,omitzero"`
	Failures  []Failure       `json:"failures,omitempty"`
	Rules     string          `json:"rules"`
	Lists     string          `json:"lists"`
}

// MarshalJSON writes v so that UnmarshalJSON reads the same verdict.
func (v Verdict) MarshalJSON() ([]byte, error) {
	if v.Treatment == nil {
		return nil, fmt.Errorf("verdict of rule %q has no treatment", v.Rule)
	}
	detail, err := json.Marshal(v.Treatment)
	if err != nil {
		return nil, err
	}
	if string(detail) == "{}" {
		detail = nil
	}
	return json.Marshal(verdictJSON{
		v.Treatment.Name(), detail, v.Rule, v.Reason, v.Category, v.Score, v.Match, v.Failures, v.Rules, v.Lists,
	})
}

// UnmarshalJSON reads what MarshalJSON wrote; a treatment it does not know is an error.
func (v *Verdict) UnmarshalJSON(data []byte) error {
	var j verdictJSON
	if err := json.Unmarshal(data, &j); err != nil {
		return err
	}
	treatment, err := readTreatment(j.Treatment, j.Detail)
	if err != nil {
		return err
	}
	*v = Verdict{treatment, j.Rule, j.Reason, j.Category, j.Score, j.Match, j.Failures, j.Rules, j.Lists}
	return nil
}

func readTreatment(name string, detail json.RawMessage) (Treatment, error) {
	if detail == nil {
		detail = json.RawMessage("{}")
	}
	switch name {
	case Allow{}.Name():
		return Allow{}, nil
	case Label{}.Name():
		return decode[Label](detail)
	case Refuse{}.Name():
		return decode[Refuse](detail)
	case Divert{}.Name():
		return decode[Divert](detail)
	case Warn{}.Name():
		return decode[Warn](detail)
	case Announce{}.Name():
		return decode[Announce](detail)
	case Challenge{}.Name():
		return decode[Challenge](detail)
	case TakeReport{}.Name():
		return TakeReport{}, nil
	}
	return nil, fmt.Errorf("treatment %q is not known", name)
}

func decode[T Treatment](detail json.RawMessage) (Treatment, error) {
	var t T
	err := json.Unmarshal(detail, &t)
	return t, err
}
